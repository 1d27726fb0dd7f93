"""The kinds of tests, as markers: what a test needs beside its own process.

`browser`     Chromium or Firefox
`cluster`     several nodes, often broken on purpose
`processes`   another process: a server, a client in another language, PostgreSQL

A test without any of them is *in-process*; `make check` runs those. There, a test that starts a process fails, so the
list below cannot fall behind.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_PRODUCT = str(TESTS.parent / "src")
"""Talkwire itself reads pictures in a process; that is no other program to test with."""

KINDS = {
    "browser": ("page", "deployment/test_web_client.py"),
    "cluster": ("cluster", "torture", "faults", "openid/test_nodes.py", "webhooks/test_kills.py"),
    "processes": (
        *(
            "chat",
            "cli",
            "clients",
            "clients_python",
            "deployment",
            "edge",
            "hostile",
            "letting_go",
            "openid/test_nodes.py",
            "openid/test_sign_in.py",
            "packaging",
            "protocol",
        ),
        *("reference", "bus/test_redis_client.py", "bus/test_shared_limits.py", "embedding/test_examples.py"),
        "callbacks/test_express_example.py",
        *(
            "embedding/test_running.py",
            "embedding/test_sharing_the_port.py",
            "files/test_images.py",
            "files/test_partials.py",
            "webhooks/test_examples.py",
        ),
        *("storage/test_lineage.py", "test_datafolder.py", "test_demo.py", "test_forked_talkwire.py"),
    ),
}
"""Folders and files below `tests`, by kind."""

PROCESS_FIXTURES = frozenset(
    {"postgresql", "postgresql_database", "failing_postgresql", "valkey", "chat_server", "node_client"}
)

LONGEST_FIRST = (
    *("reference/test_openapi.py", "page/test_accessibility.py", "page/test_calls.py", "cli/test_workers.py"),
    *("chat/test_access.py", "hostile/test_fuzz_sqlite.py", "hostile/test_fuzz_postgresql.py", "chat/test_costs.py"),
    *("letting_go", "page/test_files.py", "page/test_catching_up.py", "page/test_places.py", "storage/test_backup.py"),
    *("torture/test_short_campaign.py", "hostile/test_work_budget_rest.py", "hostile/test_work_budget_sockets.py"),
    *("chat/test_access_ids.py", "chat/test_growing_up.py", "contracts/test_sync_property.py"),
    *("cluster/test_presence.py", "edge/test_heads.py", "hostile/test_work_budget_http.py"),
    *("hostile", "page", "cluster", "storage", "contracts/test_notifications.py", "chat/test_readiness.py"),
    *("clients", "protocol", "cli", "edge", "torture", "reference", "deployment", "faults", "packaging"),
)
"""Files and folders in the order in which they are started; all others follow. The longest files come first, so that no
worker is left alone with one of them at the end.
"""


def mark(item: pytest.Item) -> None:
    """Adds the markers of an item's kinds."""
    for kind in _kinds_of(item.path):
        item.add_marker(kind)
    if uses_a_process(item):
        item.add_marker("processes")


@cache
def _kinds_of(file: Path) -> list[str]:
    """Returns the kinds of all tests of a file or folder."""
    path = file.relative_to(TESTS)
    return [kind for kind, places in KINDS.items() if any(path.is_relative_to(place) for place in places)]


def uses_a_process(item: pytest.Item) -> bool:
    """Whether one of the item's fixtures is, or is a way to, another process."""
    assert isinstance(item, pytest.Function)
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    chosen = [value for value in given if isinstance(value, str)]
    return not PROCESS_FIXTURES.isdisjoint([*item.fixturenames, *chosen])


def is_left_out(path: Path, expression: str) -> bool:
    """Whether `-m EXPRESSION` selects no test of a file or folder, since all of them are of a kind that it excludes.

    Only expressions such as `not browser and not cluster` are understood. Others leave out nothing.
    """
    if not path.is_relative_to(TESTS) or "(" in expression or " or " in expression:
        return False
    terms = {term.strip() for term in expression.split(" and ")}
    return any(f"not {kind}" in terms for kind in _kinds_of(path))


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Returns the items in the order of LONGEST_FIRST and otherwise as they were."""
    return sorted(items, key=lambda item: _rank(item.path))


@cache
def _rank(file: Path) -> int:
    """Returns the place of a file in LONGEST_FIRST: its own, or else that of its folder."""
    path = file.relative_to(TESTS)
    for name in (path.as_posix(), path.parts[0]):
        if name in LONGEST_FIRST:
            return LONGEST_FIRST.index(name)
    return len(LONGEST_FIRST)


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
