"""``python -m contactcenter.bench AGENTS``: fill the (empty, migrated) database; prints what it holds as JSON."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcenter.settings")
    import django

    django.setup()
    from contactcenter.bench import site

    built = site.prepare(agents=int(sys.argv[1]), graph_base=sys.argv[2] if len(sys.argv) > 2 else "")
    sys.stdout.write(json.dumps({"hook": built.hook, "cookies": [agent.cookie for agent in built.agents]}) + "\n")


if __name__ == "__main__":
    main()
