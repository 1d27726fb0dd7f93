"""Fixtures: a running chat over each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts.node import Clock, Node, running
from tests.databases import Database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def node(database: Database, clock: Clock) -> AsyncIterator[Node]:
    async with running(database, clock) as node:
        yield node
