"""Whose rows are whose: the one mechanism behind every list, page, report and export."""

from typing import Any, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q

from .users import User


class OwnedQuerySet(models.QuerySet[Any]):
    """
    Rows that belong to organisations.

    `owner_paths` are the lookups that lead from a row to the people it belongs to.
    A model without a path belongs to the platform, and only its own people see it.
    """

    owner_paths: tuple[str, ...] = ()

    def for_actor(self, user: User | AnonymousUser) -> Self:
        """Rows that `user` may see: all for the platform's own people, else the own ones."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        if user.role:
            return self
        if len(self.owner_paths) == 1:
            return self.filter(**{self.owner_paths[0]: user})
        owned = Q(pk__in=[])
        for path in self.owner_paths:
            # Asked of each row, since joining several memberships would repeat rows.
            same = self.model._base_manager.filter(pk=OuterRef("pk"), **{path: user})
            owned |= Q(Exists(same))
        return self.filter(owned)
