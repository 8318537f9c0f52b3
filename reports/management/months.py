"""Months on the command line."""

from argparse import ArgumentTypeError
from datetime import date

from accounts.api.serializers import read_month


def month_argument(text: str) -> date:
    """Return the first day of the month `YYYY-MM`."""
    try:
        return read_month(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a month as YYYY-MM.") from error
