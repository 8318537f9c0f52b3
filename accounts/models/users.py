"""People."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserManager(DjangoUserManager["User"]):
    use_in_migrations = False

    def create_superuser(self, username: str, **fields: Any) -> "User":  # type: ignore[override]
        """Create an administrator; a superuser without the role would see no rows."""
        return super().create_superuser(username, **{"role": User.Role.ADMIN, **fields})

    def office_by_mail(self) -> models.QuerySet["User"]:
        """Return the active people of the office who have an e-mail address."""
        return self.filter(is_active=True, role=User.Role.OFFICE).exclude(email="")


class User(AbstractUser):
    """
    A person who signs in or whose key calls the API.

    `role` names what a person does for the platform itself; people of buyers and
    suppliers have none, their rights follow from their memberships.
    """

    class Role(models.TextChoices):
        REVIEWER = "reviewer", _("selection centre reviewer")
        OFFICE = "office", _("collaboration office")
        AUDITOR = "auditor", _("auditor")
        ADMIN = "admin", _("administrator")

    role = models.CharField(_("role"), max_length=10, choices=Role, blank=True)
    division = models.ForeignKey(
        "accounts.Division",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("division"),
        help_text=_("The division whose office this person works for."),
    )

    objects = UserManager()  # type: ignore[misc]

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]
        verbose_name_plural = _("users")  # type: ignore[assignment]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=["", "reviewer", "office", "auditor", "admin"]),
                name="user_role_is_known",
            )
        ]

    @property
    def is_office(self) -> bool:
        """Whether this person reports the totals."""
        return self.role in (self.Role.OFFICE, self.Role.ADMIN)

    @property
    def is_reviewer(self) -> bool:
        """Whether this person decides for the selection centre what is on sale."""
        return self.role in (self.Role.REVIEWER, self.Role.ADMIN)

    @property
    def sees_all_figures(self) -> bool:
        """Whether unpublished totals and the entries behind them are open to this person."""
        return self.role in (self.Role.OFFICE, self.Role.AUDITOR, self.Role.ADMIN)

    @property
    def reads_audit_trail(self) -> bool:
        """Whether this person checks what everybody does."""
        return self.role in (self.Role.AUDITOR, self.Role.ADMIN)
