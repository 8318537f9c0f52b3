"""Load made-up data to try the system out with, and print who can use it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.demo.loading import load_demo
from reports.demo.people import people_with_keys, reset_password


class Command(BaseCommand):
    help = (
        "Load the demo if it is not there yet, and print its people with new keys; "
        "keys printed before keep working. Everything in it is made up."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo is made up; it never loads in production.")
        now = timezone.now()
        load_demo(now=now)
        people = people_with_keys(password=reset_password(), now=now)
        if options["json"]:
            self.stdout.write(json.dumps(people, ensure_ascii=False))
        else:
            self.stdout.write(as_text(people))


def as_text(people: dict[str, list[dict[str, Any]]]) -> str:
    """Return the people as lines to read."""
    lines = ["Everything in this demo is made up; no organisation or person in it is real.", ""]
    lines += ["Buyers (API keys):"]
    for buyer in people["buyers"]:
        lines += [f"  {buyer['code']} {buyer['name']}"]
        lines += [f"    {role:<10} {key}" for role, key in buyer["keys"].items()]
    lines += ["", "Suppliers (sign in at /admin/, or by API key):"]
    for supplier in people["suppliers"]:
        lines += [f"  {supplier['code']} {supplier['name']}"]
        lines += [f"    {supplier['username']} / {supplier['password']}", f"    {supplier['key']}"]
    lines += ["", "Staff (sign in at /admin/, or by API key):"]
    for person in people["staff"]:
        lines += [f"  {person['role']:<8} {person['username']} / {person['password']}"]
        lines += [f"    {person['key']}"]
    return "\n".join(lines)
