"""The link with which a new person chooses a password."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


def welcome_address(user: User) -> str:
    """
    Return where `user` chooses a password.

    It works once, and for PASSWORD_RESET_TIMEOUT seconds.
    """
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    path = reverse("welcome", kwargs={"uidb64": uid, "token": token})
    return f"{settings.PUBLIC_URL}{path}"
