"""A supplier with its person, a stranger, and the platform's own people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from suppliers.models import Supplier, SupplierMember

MakeUser = Callable[..., User]


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def make_user(db: None) -> MakeUser:
    def make(username: str, *, supplier: Supplier | None = None, **fields: Any) -> User:
        user = User.objects.create_user(username, is_staff=True, **fields)
        if supplier:
            SupplierMember.objects.create(supplier=supplier, user=user)
        return user

    return make


@pytest.fixture
def rita(make_user: MakeUser) -> User:
    """Rita reviews for the selection centre."""
    return make_user("rita", role=User.Role.REVIEWER)
