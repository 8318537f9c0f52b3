"""What pages tell."""

from django.contrib import messages
from django.http import HttpRequest

from accounts.refusals import Refusal


def tell(request: HttpRequest, refusal: Refusal) -> None:
    """Show a refusal with everything that is wrong."""
    details = [str(error.detail) for error in refusal.errors] or [str(refusal.detail)]
    for detail in details:
        messages.error(request, detail)
