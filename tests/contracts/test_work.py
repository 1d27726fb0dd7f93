"""The cost of queries as a conversation grows, counted in steps of SQLite's virtual machine, so that no clock is
involved.

A query whose cost grows with the messages of a conversation reads them one by one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, event, insert

from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.cards.deciding import ActOnCard, GetCard
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
)
from talkwire.core.commands.files import CreateUpload, FinishUpload
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    FetchedPreview,
    GetMessage,
    GetThread,
    ListMessages,
    ListPins,
    PinMessage,
    React,
    RemoveLinkPreviews,
    SendMessage,
    SetLinkPreviews,
    Unreact,
)
from talkwire.core.commands.receipts import ListReceipts, MarkDelivered, MarkRead
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.commands.sync import GetSyncState, ListEvents, ListLogEvents
from talkwire.core.domain.actors import PREVIEWER
from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.model import Actor
from talkwire.storage.engine import sqlite_url
from talkwire.storage.schema import card_choices
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Clock, Node, running
from tests.databases import Database

DAVE = Actor("dave", "Dave")
FEW, MANY = 120, 1000
"""Fewer than a page or a receipt ever has, which is at most 100."""

GROWS_AT_MOST = 2000
"""In steps. Reading a thousand rows takes several thousand."""

STRIDE = 10

POLL = {"title": "Lunch?", "actions": [{"id": "yes", "label": "Yes"}], "decide": "poll"}

Ask = Callable[[Node, list[int]], tuple[Actor, Command[Any]]]
"""(node, ids of the messages) -> the query"""

QUESTIONS: Mapping[str, Ask] = {
    "send": lambda node, ids: (ALICE, SendMessage("c", "hello @carol", "again")),
    "send again": lambda node, ids: (ALICE, SendMessage("c", "hello @carol", "again")),
    "edit": lambda node, ids: (ALICE, EditMessage(str(ids[9]), "without a name")),
    "delete": lambda node, ids: (ALICE, DeleteMessage(str(ids[8]))),
    "react": lambda node, ids: (BOB, React(str(ids[7]), "x")),
    "unreact": lambda node, ids: (BOB, Unreact(str(ids[7]), "x")),
    "pin": lambda node, ids: (ALICE, PinMessage(str(ids[7]))),
    "store previews": lambda node, ids: (
        PREVIEWER,
        SetLinkPreviews(ids[6], "hello @carol 6", (FetchedPreview("https://talkwire.org/", "Talkwire"),)),
    ),
    "remove previews": lambda node, ids: (ALICE, RemoveLinkPreviews(str(ids[6]))),
    "pins": lambda node, ids: (BOB, ListPins("c")),
    "newest messages": lambda node, ids: (BOB, ListMessages("c", limit=5)),
    "messages around": lambda node, ids: (BOB, ListMessages("c", limit=5, around=str(ids[10]))),
    "a message": lambda node, ids: (BOB, GetMessage(str(ids[10]))),
    "thread": lambda node, ids: (BOB, GetThread(str(ids[10]))),
    "receipts": lambda node, ids: (ALICE, ListReceipts(str(ids[10]))),
    "conversations with much unread and somebody blocked": lambda node, ids: (BOB, ListConversations()),
    "read a little": lambda node, ids: (BOB, MarkRead("c", str(ids[5]))),
    "read nearly all": lambda node, ids: (BOB, MarkRead("c", str(ids[-4]))),
    "deliver": lambda node, ids: (BOB, MarkDelivered("c", None)),
    "conversations": lambda node, ids: (ALICE, ListConversations()),
    "a conversation": lambda node, ids: (ALICE, GetConversation("c")),
    "state": lambda node, ids: (ALICE, GetSyncState()),
    "newest events": lambda node, ids: (BOB, ListEvents(f"{node.chat.epoch}-{node.chat.pos - 5}")),
    "the log's first events": lambda node, ids: (BACKEND, ListLogEvents("start", 5)),
    "the log's newest events": lambda node, ids: (BACKEND, ListLogEvents(f"{node.chat.epoch}-{node.chat.pos - 5}")),
    "a poll": lambda node, ids: (BOB, GetCard(str(ids[-1]))),
    "choose": lambda node, ids: (BOB, ActOnCard(str(ids[-1]), ("yes",))),
    "channels": lambda node, ids: (BOB, FindPublicConversations("town")),
    "delete a conversation": lambda node, ids: (BACKEND, DeleteConversation("small")),
}


async def test_no_answer_takes_more_work_the_more_there_is(sqlite_template: Path, tmp_path: Path) -> None:
    few, many = [await _steps(sqlite_template, tmp_path / f"{size}.db", size) for size in (FEW, MANY)]
    grown = {name: many[name] - few[name] for name in QUESTIONS}
    assert {name: steps for name, steps in grown.items() if steps > GROWS_AT_MOST} == {}


async def _steps(template: Path, file: Path, size: int) -> dict[str, int]:
    """Returns the steps of each query, in a conversation and beside conversations of that number."""
    shutil.copyfile(template, file)
    async with running(Database("sqlite", sqlite_url(file)), Clock()) as node:
        ids = await _fill(node, size)
        steps = {}
        for name, ask in QUESTIONS.items():
            actor, command = ask(node, ids)
            with _counted(node) as counted:
                await node.do(actor, command)
            steps[name] = counted[0]
        return steps


async def _fill(node: Node, size: int) -> list[int]:
    """Creates one conversation with many messages, unread by Bob, and as many silent ones. Returns the messages' ids.
    The last one is a poll in which so many have chosen."""
    await node.users(BOB, DAVE, MALLORY)
    await node.group("c", ALICE, BOB, CAROL)
    await node.group("small", CAROL, DAVE)
    await node.do(ALICE, CreateUpload("f", "a.png", None, 1, 1000))
    await node.do(ALICE, FinishUpload("f", "image/png", 1, "digest"))
    await node.do(BOB, BlockUser("mallory"))
    await node.do(
        BACKEND, CreateConversation("channel", ("dave",), id="town", name="town", public=True, owner_id="dave")
    )
    groups = [CreateConversation("group", ("carol", "dave"), id=f"g{number}") for number in range(size)]
    await node.in_one_batch(*((BACKEND, group) for group in groups))
    file = (AttachmentRef(id="f"),)
    texts = [SendMessage("c", f"hello @carol {number}", attachments=file) for number in range(size)]
    sent = await node.in_one_batch(*((ALICE, text) for text in texts))
    poll = await node.do(ALICE, SendMessage("c", "", card=msgspec.convert(POLL, AskedCard)))
    chosen = {"message_id": poll.id, "action_ids": '["yes"]', "at_ms": node.clock.now_ms}
    with node.write_engine.begin() as connection:
        connection.execute(insert(card_choices), [{**chosen, "user_id": f"user-{number}"} for number in range(size)])
    return [*(message.id for message in sent), poll.id]


@contextmanager
def _counted(node: Node) -> Iterator[list[int]]:
    """Counts the steps of all connections, to the nearest `STRIDE`."""
    steps = [0]

    def count() -> None:
        steps[0] += STRIDE

    def watch(connection: Connection, *rest: object) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(count, STRIDE)

    engines = (node.write_engine, node.read_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", watch)
    yield steps
    for engine in engines:
        event.remove(engine, "before_cursor_execute", watch)
