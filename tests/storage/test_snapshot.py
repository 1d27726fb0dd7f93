"""A snapshot only reads: its stores lack the methods with which transactions write.

mypy holds this, too: if the type of a snapshot had such a method, a comment below would ignore no error, which mypy
refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_type_hints

import pytest
from sqlalchemy import create_engine

from talkwire.core.domain.model import Actor
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot, Transaction
from talkwire.storage.snapshot import TableSnapshot

WRITTEN_BY_COMMANDS = {
    *(
        "answers",
        "audit",
        "calls",
        "cards",
        "erasures",
        "files",
        "invitations",
        "notifications",
        "offline_queue",
        "presence",
    ),
    *("push_subscriptions", "pushes", "sessions", "streams", "teams", "timers", "turns", "webhooks"),
}


@pytest.fixture
def snapshot() -> Iterator[Snapshot]:
    with create_engine("sqlite://").connect() as connection:
        yield TableSnapshot(connection)


def test_the_stores_of_a_snapshot_have_no_method_that_writes(snapshot: Snapshot) -> None:
    writing = {**_writing_methods(Transaction), **_writing_methods(LeaseTransaction)}
    assert writing.keys() == WRITTEN_BY_COMMANDS
    assert not {
        f"{name}.{method}"
        for name, methods in writing.items()
        for method in methods
        if hasattr(getattr(snapshot, name), method)
    }


def test_a_query_cannot_write(snapshot: Snapshot) -> None:
    with pytest.raises(AttributeError):
        snapshot.notifications.mark_read("alice", None, 0)  # type: ignore[attr-defined]  # the invalid use under test
    with pytest.raises(AttributeError):
        snapshot.audit.add(Actor("alice", "Alice"), (), 0)  # type: ignore[attr-defined]  # as above
    with pytest.raises(AttributeError):
        snapshot.files.drop("1")  # type: ignore[attr-defined]  # as above


def _writing_methods(transaction: type) -> dict[str, set[str]]:
    """Returns the name of each store -> the methods that it has in this interface and not in `Snapshot`."""
    reading = _stores(Snapshot)
    both = {name: store for name, store in _stores(transaction).items() if name in reading}
    added = {name: _methods(store) - _methods(reading[name]) for name, store in both.items()}
    return {name: methods for name, methods in added.items() if methods}


def _stores(interface: type) -> dict[str, type]:
    """Returns the name of each property of an interface -> the property's type."""
    members = {name: getattr(interface, name) for name in dir(interface)}
    return {name: get_type_hints(each.fget)["return"] for name, each in members.items() if isinstance(each, property)}


def _methods(store: type) -> set[str]:
    return {name for name in dir(store) if not name.startswith("_")}
