#!/usr/bin/env python3
"""Everything starts here: ``python3 manage.py demo``. Needs nothing but Python; see contactcenter/lib/bootstrap.py."""

import os
import sys

from contactcenter.lib import bootstrap, data_folder

if __name__ == "__main__":
    try:
        bootstrap.ensure(sys.argv)
        data_folder.choose(sys.argv)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactcenter.settings")
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
