"""Sends messages as fast as they are acknowledged, and prints each acknowledged client message id, until it is killed.

python acking_process.py DATABASE ROUND SENDERS
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import NODE_COMMANDS
from talkwire.core.engine.decider import Decider
from talkwire.storage.engine import reading_engine, sqlite_url, writing_engine
from talkwire.storage.leases import LeaseKeeper
from talkwire.storage.migrations import migrate
from talkwire.storage.reader import ReaderPool
from talkwire.storage.writer import GroupWriter


async def _send(chat: Chat, actor: Actor, name: str) -> None:
    number = 0
    while True:
        client_message_id = f"{name}-{actor.user_id}-{number}"
        message = await chat.execute(actor, SendMessage("c", client_message_id, client_message_id))
        sys.stdout.write(f"{message.seq} {client_message_id}\n")
        sys.stdout.flush()
        number += 1


async def _main(path: Path, name: str, senders: int) -> None:
    url = sqlite_url(path)
    engine = writing_engine(url)
    migrate(engine)
    clock = lambda: time.time_ns() // 1_000_000  # noqa: E731
    writer = GroupWriter(engine, Decider().decide, clock)
    keeper = LeaseKeeper(engine.dialect, NODE_COMMANDS, writer.transact, clock)
    chat = Chat(writer, ReaderPool(reading_engine(url, 1), 1), keeper)
    await chat.start()
    actors = [Actor(f"user{number}", f"User {number}") for number in range(senders)]
    backend = Actor("backend", "Backend", role="service")
    try:
        await chat.execute(backend, CreateConversation("group", tuple(actor.user_id for actor in actors), id="c"))
    except ChatError as refusal:
        if refusal.code != "conflict":
            raise
    await asyncio.gather(*(_send(chat, actor, name) for actor in actors))


asyncio.run(_main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
