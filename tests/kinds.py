"""The kinds of tests, as markers: what a test needs beside its own process.

`browser`     Chromium
`cluster`     several nodes, often broken on purpose
`processes`   another process: a server, a client in another language, PostgreSQL

A test without any of them is *in-process*; `make check` runs those. There, a test that starts a process fails, so the
list below cannot fall behind.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_PRODUCT = str(TESTS.parent / "src")
"""Talkwire itself reads pictures in a process; that is no other program to test with."""

KINDS = {
    "browser": ("page", "deployment/test_web_client.py"),
    "cluster": ("cluster", "torture", "faults"),
    "processes": (
        *("chat", "cli", "clients", "deployment", "edge", "hostile", "letting_go", "packaging", "protocol"),
        *("reference", "bus/test_redis_client.py", "bus/test_shared_limits.py", "embedding/test_examples.py"),
        *(
            "embedding/test_running.py",
            "embedding/test_sharing_the_port.py",
            "files/test_images.py",
            "files/test_partials.py",
        ),
        *("storage/test_lineage.py", "test_datafolder.py", "test_demo.py"),
    ),
}
"""Folders and files below `tests`, by kind."""

PROCESS_FIXTURES = frozenset(
    {"postgresql", "postgresql_database", "failing_postgresql", "valkey", "chat_server", "node_client"}
)

SLOWEST_FIRST = ("torture", "hostile", "page", "cluster", "storage", "deployment", "faults", "packaging", "reference")
"""What takes longest is started first, so that no worker is left alone with it at the end."""


def mark(item: pytest.Item) -> None:
    """Adds the markers of an item's kinds."""
    path = item.path.relative_to(TESTS)
    for kind, places in KINDS.items():
        if any(path.is_relative_to(place) for place in places):
            item.add_marker(kind)
    if uses_a_process(item):
        item.add_marker("processes")


def uses_a_process(item: pytest.Item) -> bool:
    """Whether one of the item's fixtures is, or is a way to, another process."""
    assert isinstance(item, pytest.Function)
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    chosen = [value for value in given if isinstance(value, str)]
    return not PROCESS_FIXTURES.isdisjoint([*item.fixturenames, *chosen])


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Returns the items with the slowest folders first and otherwise as they were."""
    return sorted(items, key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0]
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)


class ProcessGuard:
    """Fails a test that starts a process though no marker says so."""

    def __init__(self) -> None:
        self._in_process: str | None = None
        self._started: list[str] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._in_process is not None and event == "subprocess.Popen" and _PRODUCT not in str(arguments[1]):
            self._started.append(str(arguments[:2]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        """Looks at all that a test does, its fixtures too."""
        in_process = not any(item.get_closest_marker(kind) for kind in KINDS)
        self._in_process = item.nodeid if in_process else None
        self._started.clear()
        try:
            return (yield)
        finally:
            self._in_process = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> object:
        result = yield
        if self._started:
            pytest.fail(f"{item.nodeid} starts a process; say so in tests/kinds.py: {self._started}", pytrace=False)
        return result
