"""A user's many conversations: 250 groups of the demo's users, in each of which bob has said something long ago."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from unittest.mock import patch

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.model import Actor
from talkwire.storage.engine import sqlite_url
from talkwire.store import opened_chat

MEMBERS = ("alice", "bob", "carol")
COUNT = 250
_AGO_NS = 30 * 24 * 3600 * 1_000_000_000


def prepare(folder: Path) -> None:
    """Fills the data folder of a server to come. Everything in it was said before what the demo says."""
    with patch("talkwire.core.clock.time.time_ns", return_value=time.time_ns() - _AGO_NS):
        asyncio.run(_fill(folder))


async def _fill(folder: Path) -> None:
    backend, bob = Actor("setup", "Setup", "service"), Actor("bob", "bob")
    async with opened_chat(sqlite_url(folder / "talkwire.db")) as chat:
        ids = [f"project-{number}" for number in range(1, COUNT + 1)]
        await asyncio.gather(
            *(chat.execute(backend, CreateConversation("group", MEMBERS, f"Project {id_[8:]}", id_)) for id_ in ids)
        )
        await asyncio.gather(*(chat.execute(bob, SendMessage(id_, "Long ago")) for id_ in ids))
