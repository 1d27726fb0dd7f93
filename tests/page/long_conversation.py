"""A conversation of very many messages, for what has to hold, and to be quick, however many there are."""

from __future__ import annotations

import asyncio
from pathlib import Path

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.domain.model import Actor
from talkwire.storage.engine import sqlite_url
from talkwire.store import opened_chat

MESSAGES = 100_000
_AT_ONCE = 1_000


def prepare(folder: Path) -> None:
    """Fills the data folder of a server to come: the conversation `long`, which bob has written and alice has read."""
    asyncio.run(_fill(folder))


async def _fill(folder: Path) -> None:
    backend, bob = Actor("setup", "Setup", "service"), Actor("bob", "bob")
    async with opened_chat(sqlite_url(folder / "talkwire.db")) as chat:
        await chat.execute(backend, CreateConversation("group", ("alice", "bob"), "Long", "long"))
        for start in range(1, MESSAGES + 1, _AT_ONCE):
            batch = (SendMessage("long", f"Message {number}") for number in range(start, start + _AT_ONCE))
            await asyncio.gather(*(chat.execute(bob, command) for command in batch))
        await chat.execute(Actor("alice", "alice"), MarkRead("long"))
