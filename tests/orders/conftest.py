"""The market in which the order tests take place."""

import pytest

from .market import Market


@pytest.fixture
def market(db: None) -> Market:
    return Market()
