"""Conversations of which much is unread: of 5,000 messages alice has read 1,000, and the others none at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.domain.model import Actor
from talkwire.storage.engine import sqlite_url
from talkwire.store import opened_chat

MEMBERS = ("alice", "bob", "carol")
COUNTS = {"many-unread": 5_000, "forty": 40, "many": 120}
READ_BY_ALICE = 1_000
_AT_ONCE = 1_000


def prepare(folder: Path) -> None:
    """Fills the data folder of a server to come: bob has written everything."""
    asyncio.run(_fill(folder))


async def _fill(folder: Path) -> None:
    backend, bob = Actor("setup", "Setup", "service"), Actor("bob", "bob")
    async with opened_chat(sqlite_url(folder / "talkwire.db")) as chat:
        for name, count in COUNTS.items():
            await chat.execute(backend, CreateConversation("group", MEMBERS, name, name))
            for start in range(1, count + 1, _AT_ONCE):
                numbers = range(start, min(start + _AT_ONCE, count + 1))
                await asyncio.gather(*(chat.execute(bob, SendMessage(name, f"Message {n}")) for n in numbers))
                if name == "many-unread" and numbers.stop == READ_BY_ALICE + 1:
                    await chat.execute(Actor("alice", "alice"), MarkRead(name))
