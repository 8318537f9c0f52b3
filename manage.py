#!/usr/bin/env python3
"""Management commands, against the servers of DATA_DIR unless the environment names others."""

import os
import sys
from contextlib import nullcontext

from django.core.management import execute_from_command_line

from config.servers import configured

WITHOUT_SERVERS = {
    "check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help",
    "makemessages", "spectacular", "version",
}  # fmt: skip


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What a person or a task runs may take its time; only web requests may not.
    os.environ.setdefault("STATEMENT_TIMEOUT", "0")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    alone = command in WITHOUT_SERVERS or "--help" in sys.argv or "-h" in sys.argv
    with nullcontext() if alone else configured():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
