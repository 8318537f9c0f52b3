"""Fill the database with synthetic sales, for measurements."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.refusals import Refusal
from reports.management.months import month_argument
from reports.services.sampling import sample_orders


class Command(BaseCommand):
    help = "Add accepted synthetic order lines, booked and rolled up, for measurements."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--products", type=int, required=True)
        parser.add_argument("--suppliers", type=int, required=True)
        parser.add_argument("--lines", type=int, required=True)
        parser.add_argument("--from", type=month_argument, required=True, help="YYYY-MM")
        parser.add_argument("--to", type=month_argument, required=True, help="YYYY-MM, included")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if min(options["products"], options["suppliers"], options["lines"]) < 1:
            raise CommandError("Products, suppliers and lines must be at least 1.")
        if not options["from"] <= options["to"] <= timezone.localdate(now):
            raise CommandError("--from must not lie after --to, nor --to in the future.")
        try:
            orders = sample_orders(
                products=options["products"],
                suppliers=options["suppliers"],
                lines=options["lines"],
                since=options["from"],
                until=options["to"],
                seed=options["seed"],
                now=now,
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.detail}") from refusal
        self.stdout.write(f"{options['lines']} lines in {orders} orders, booked and rolled up.")
