"""Check a file of sales made off the platform, and book it."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts.refusals import Refusal
from reports.models import Declaration
from reports.services.declarations.answering import describe
from reports.services.declarations.receiving import (
    commit_declaration,
    receive_declaration,
    work_through,
)

#: How many problems are printed; --json lists more, and the error file has all.
PRINTED = 50


class Command(BaseCommand):
    help = "Check a file of sales made off the platform and, with --commit, book all its rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="XLSX, or CSV in UTF-8 or GB18030")
        parser.add_argument("--reporter", required=True, help="code of the division that reports")
        parser.add_argument("--commit", action="store_true", help="book the rows if all are good")
        parser.add_argument(
            "--late", action="store_true", help="book rows of closed months in the open month"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            declaration = self._import(options)
        except Refusal as refusal:
            answer = {
                "status": "refused",
                "code": refusal.code,
                "detail": str(refusal.detail),
                "errors": [
                    {"code": error.code, "detail": str(error.detail)} for error in refusal.errors
                ],
            }
            if options["json"]:
                self._print_json(answer)
            raise CommandError(_sentence(answer)) from refusal
        answer = describe(declaration)
        if options["json"]:
            self._print_json(answer)
        else:
            self._print(answer)
        if declaration.status not in (Declaration.Status.VALID, Declaration.Status.BOOKED):
            raise CommandError(f"Nothing was booked: the declaration is {declaration.status}.")

    def _import(self, options: dict[str, Any]) -> Declaration:
        declaration = receive_declaration(
            _chunks(options["file"]),
            file_name=options["file"].name,
            reporter=options["reporter"],
            is_late=options["late"],
            by=None,
            now=timezone.now(),
        )
        if options["commit"]:
            commit_declaration(declaration.pk, by=None, now=timezone.now())
        work_through(declaration.pk, now=timezone.now())
        declaration.refresh_from_db()
        return declaration

    def _print_json(self, answer: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(answer, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))

    def _print(self, answer: dict[str, Any]) -> None:
        self.stdout.write(
            f"{answer['status']}: {answer['rows']} rows, {answer['bad_rows']} bad, "
            f"{answer['amount']} yuan ({answer['id']})"
        )
        for month in answer["preview"].get("months", []):
            self.stdout.write(f"  {month['month']}: {month['rows']} rows, {month['amount']} yuan")
        for error in answer["errors"][:PRINTED]:
            self.stdout.write(f"  row {error['row']}, {error['column']}: {error['detail']}")
        if answer["errors_total"] > PRINTED:
            self.stdout.write(f"  … {answer['errors_total']} errors in all; --json lists more.")
        if answer["failure"]:
            self.stdout.write(f"  {answer['failure']['detail']}")


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(1024**2):
                yield chunk
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _sentence(answer: dict[str, Any]) -> str:
    details = [answer["detail"], *(error["detail"] for error in answer["errors"])]
    return f"{answer['code']}: {' '.join(details)}"
