#!/usr/bin/env python3
"""Management commands, against the servers of DATA_DIR unless the environment names others."""

import os
import sys

from django.core.management import execute_from_command_line

from config.servers import configured


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What a person or a task runs may take its time; only web requests may not.
    os.environ.setdefault("STATEMENT_TIMEOUT", "0")
    with configured():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
