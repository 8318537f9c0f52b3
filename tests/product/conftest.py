"""One running product for the tests of a module."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import Product


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        product = Product(folder)
        try:
            yield product
        finally:
            product.stop()
