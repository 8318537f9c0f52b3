"""Close a month in the name of two people of the office."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.refusals import Refusal
from reports.management.months import month_argument
from reports.models import Month
from reports.services.months import close_month


class Command(BaseCommand):
    help = "Close a month: one person asks for it, a second one confirms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("month", type=month_argument, help="YYYY-MM")
        parser.add_argument("--by", required=True, help="username of who asks")
        parser.add_argument("--second", required=True, help="username of who confirms")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = self._close(options)
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.detail}") from refusal
        self.stdout.write(f"{month} closed: {month.entries} entries, {month.amount} yuan")
        self.stdout.write(month.sha256)

    @transaction.atomic
    def _close(self, options: dict[str, Any]) -> Month:
        # Both steps or none; a month whose close was asked for before only needs the second.
        asked = Month.objects.filter(month=options["month"], status=Month.Status.REVIEWING)
        if not asked.exists():
            close_month(options["month"], by=_person(options["by"]), now=timezone.now())
        return close_month(options["month"], by=_person(options["second"]), now=timezone.now())


def _person(username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(f"There is no active user {username}.")
    return person
