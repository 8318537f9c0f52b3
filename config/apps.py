"""Installed packages whose names in the admin would say nothing to its readers."""

import axes.apps
from django.utils.translation import gettext_lazy as _


class LockConfig(axes.apps.AppConfig):
    """What locks an account after wrong passwords."""

    verbose_name = _("Sign-in protection")
