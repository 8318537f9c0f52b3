"""A pytest plugin, loaded before Django: servers and a data folder that only tests use."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.servers import configured


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the servers once for all xdist workers, each of which gets its own Redis databases."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["REDIS_DB"] = str(2 * int(worker.removeprefix("gw")))
        return (yield)
    folder = Path(os.environ.get("TEST_DATA_DIR") or early_config.rootpath / "var" / "test")
    os.environ["DATA_DIR"] = str(folder)
    servers = ExitStack()
    early_config.add_cleanup(servers.close)
    # What a test writes need not survive the power.
    servers.enter_context(configured(folder, durable=False))
    return (yield)
