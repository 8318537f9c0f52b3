"""Bring the totals up to date now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reports.management.months import month_argument
from reports.models import Month
from reports.services.months import with_sums
from reports.services.totals import rebuild, roll_up


class Command(BaseCommand):
    help = "Bring the totals up to date now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", type=month_argument, help="print this month's figure after")
        parser.add_argument(
            "--rebuild", action="store_true", help="make all totals anew from the ledger"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        (rebuild if options["rebuild"] else roll_up)(now=timezone.now())
        months = Month.objects.order_by("month")
        if options["month"]:
            months = months.filter(month=options["month"])
        for month in with_sums(months):
            self.stdout.write(f"{month}  {month.status:9}  {month.entries:>9}  {month.amount}")
