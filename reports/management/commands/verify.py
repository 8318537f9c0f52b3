"""Recompute what can be recomputed and print what differs."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.management.months import month_argument
from reports.services.verifying import verify


class Command(BaseCommand):
    help = "Recompute totals, stock, acceptances, seals and files; exit 1 when anything differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--month", type=month_argument, help="only this month's figures and files"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        checks = verify(month=options["month"], now=timezone.now())
        found = sum(len(check.findings) for check in checks)
        if options["json"]:
            answer = {
                "ok": not found,
                "checks": {check.name: check.findings for check in checks},
            }
            self.stdout.write(json.dumps(answer, default=str, ensure_ascii=False, indent=2))
        else:
            for check in checks:
                self.stdout.write(f"{'differs' if check.findings else 'ok':8} {check.name}")
                for finding in check.findings:
                    words = ", ".join(f"{name} {value}" for name, value in finding.items())
                    self.stdout.write(f"         {words}")
        if found:
            raise CommandError("Not everything agrees.", returncode=1)
