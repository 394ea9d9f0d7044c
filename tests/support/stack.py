"""``--stack``: a private PostgreSQL and Redis for this run. Filled in below by contactcenter.servers."""
