"""The lock names what to install, and no place that only one machine can reach."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"pypi.org", "files.pythonhosted.org"}


def hosts(text: str) -> set[str]:
    return set(re.findall(r"https?://([^/\s\"]+)", text))


class TestLock:
    def test_every_requirement_is_pinned_and_hashed(self) -> None:
        requirements = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
        assert len(requirements) > 50
        for requirement in requirements:
            assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", requirement), requirement
            assert "--hash=sha256:" in requirement, requirement

    def test_the_hashed_lock_names_no_place(self) -> None:
        lock = (ROOT / "requirements.lock").read_text()
        assert not hosts(lock)
        assert not re.search(r"(?m)^(-i|-f|--(extra-)?index|--find-links|--trusted)|file:", lock)

    def test_the_resolver_lock_names_only_the_public_index(self) -> None:
        lock = (ROOT / "uv.lock").read_text()
        assert hosts(lock) == PUBLIC
        assert "file:" not in lock

    @pytest.mark.parametrize("host", ["mirror.example", "10.0.0.1:3141"])
    def test_would_notice_another_host(self, host: str) -> None:
        assert hosts(f'url = "https://{host}/simple"') - PUBLIC == {host}
