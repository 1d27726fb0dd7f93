"""Sync through the erasure of a user: the events lead every other client to the state that a fresh load has."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings

from talkwire.core.domain.model import DELETED_NAME
from talkwire.storage.engine import sqlite_url
from tests.contracts.node import Clock, Node, running
from tests.contracts.sync_client import SyncClient
from tests.contracts.test_erasure import erase
from tests.contracts.test_sync_property import (
    ACTORS,
    Recipe,
    Story,
    _begin,
    _have_blocked,
    _recipes,
    _remembers,
    _tell,
    _without_positions,
)
from tests.databases import Database, PostgresServer, migrate_url

ERASED, OTHERS = ACTORS[0], ACTORS[1:]


async def _play(node: Node, before: Sequence[Recipe], between: Sequence[Recipe], after: Sequence[Recipe]) -> None:
    story = Story()
    await _begin(node)
    await _tell(node, story, before)
    late = [await SyncClient(node, actor).load() for actor in OTHERS]
    await _tell(node, story, between)
    await erase(node, ERASED.user_id)
    await _tell(node, story, after)
    assert await _remembers(node)
    for client in late:
        fresh = await SyncClient(node, client.actor).load()
        hidden = _have_blocked(node.log, client.user_id)
        followed, loaded = (await client.follow()).state(), fresh.state()
        assert {name for talk in loaded.values() for name in _names_of(talk, ERASED.user_id)} <= {DELETED_NAME}
        assert _comparable(followed, hidden) == _comparable(loaded, hidden)
        assert client.blocked == fresh.blocked
        assert [
            message
            for talk in fresh.talks.values()
            for message in talk.messages.values()
            if message["senderId"] == ERASED.user_id and "deletedAt" not in message
        ] == []


def _names_of(talk: Any, user_id: str) -> list[str]:  # noqa: ANN401 (JSON)
    """Returns the name of a direct conversation with this user: it is the user's, for the other member."""
    return [talk["shared"]["name"]] if talk["shared"]["kind"] == "direct" and user_id in talk["members"] else []


def _comparable(state: Any, hidden: set[str]) -> Any:  # noqa: ANN401 (JSON)
    """Returns a state without what `sync` does not announce: positions that were hidden, and names of other users.

    Clients load names with members. A direct conversation's name is one of them.
    """
    for talk in state.values():
        if talk["shared"]["kind"] == "direct":
            del talk["shared"]["name"]
    return _without_positions(state, hidden)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_recipes, _recipes, _recipes)
@example([("direct", 0, 0, 0)], [], [])
def test_clients_follow_an_erasure_on_sqlite(
    before: Sequence[Recipe], between: Sequence[Recipe], after: Sequence[Recipe]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tw-erase-"))
    try:
        url = sqlite_url(folder / "sync.db")
        migrate_url(url)
        asyncio.run(_on(Database("sqlite", url), before, between, after))
    finally:
        shutil.rmtree(folder)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=_recipes, between=_recipes, after=_recipes)
def test_clients_follow_an_erasure_on_postgresql(
    postgresql: PostgresServer, before: Sequence[Recipe], between: Sequence[Recipe], after: Sequence[Recipe]
) -> None:
    name = postgresql.create_migrated()
    try:
        asyncio.run(_on(Database("postgresql", postgresql.url_of(name)), before, between, after))
    finally:
        postgresql.drop(name)


async def _on(database: Database, before: Sequence[Recipe], between: Sequence[Recipe], after: Sequence[Recipe]) -> None:
    async with running(database, Clock()) as node:
        await _play(node, before, between, after)
