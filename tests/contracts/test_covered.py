"""The messages that a move of a member's cursor covers, live and replayed from the log."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.commands.receipts import GetMessageStatus, MarkDelivered, MarkRead
from talkwire.core.domain.events import COVERED_MESSAGES_MAX, MessagesDelivered, MessagesRead
from talkwire.core.domain.model import Actor, Message
from talkwire.storage.messages import receipts
from talkwire.storage.schema import log
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node
from tests.databases import Database

Move = MessagesRead | MessagesDelivered


def moves(node: Node) -> list[Move]:
    return [event for event in node.log if isinstance(event, Move)]


def of(*messages: Message) -> tuple[tuple[int, str], ...]:
    return tuple((message.id, message.sender_id) for message in messages)


async def test_a_read_covers_what_others_sent_since_the_one_before(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = [await node.send(actor, actor.user_id) for actor in (ALICE, BOB, CAROL, ALICE)]
    await node.do(BOB, MarkRead("c", str(sent[2].id)))
    await node.do(BOB, MarkRead("c"))
    first, second = moves(node)
    assert (first.since, first.seq, first.covered) == (0, 3, of(sent[0], sent[2]))
    assert (second.since, second.seq, second.covered) == (3, 4, of(sent[3]))


async def test_a_delivery_covers_what_others_sent_since_the_one_before(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(actor, actor.user_id) for actor in (ALICE, BOB, ALICE)]
    await node.do(BOB, MarkDelivered("c", str(sent[0].id)))
    await node.do(BOB, MarkDelivered("c"))
    first, second = moves(node)
    assert (first.since, first.covered) == (0, of(sent[0]))
    assert (second.since, second.covered) == (1, of(sent[2]))


async def test_a_delivery_begins_where_has_been_read(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(ALICE, str(number)) for number in range(3)]
    await node.do(BOB, MarkRead("c", str(sent[1].id)))
    await node.do(BOB, MarkDelivered("c"))
    assert [(move.since, move.covered) for move in moves(node)] == [(0, of(*sent[:2])), (2, of(sent[2]))]


async def test_only_messages_of_the_conversation_are_covered(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, BOB)
    here = await node.send(ALICE, "here")
    await node.send(ALICE, "there", to="d")
    await node.do(BOB, MarkRead("c"))
    assert [move.covered for move in moves(node)] == [of(here)]


async def test_the_newest_of_many_are_covered_with_own_messages_in_between(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    texts = [
        (ALICE if number % 3 else BOB, SendMessage("c", str(number))) for number in range(2 * COVERED_MESSAGES_MAX)
    ]
    sent = await node.in_one_batch(*texts)
    await node.do(BOB, MarkRead("c"))
    (move,) = moves(node)
    assert move.covered == of(*[message for message in sent if message.sender_id == "alice"][-COVERED_MESSAGES_MAX:])


async def test_a_long_move_covers_the_newest_messages(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "READ_LOOK_BACK", 5)
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB if number in {2, 5} else ALICE, str(number)) for number in range(7)]
    await node.do(BOB, MarkRead("c"))
    assert [move.covered for move in moves(node)] == [of(sent[3], sent[4], sent[6])]


async def test_moves_of_one_batch_cover_each_their_own_and_what_was_sent_before_them(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    results = await node.in_one_batch(
        (ALICE, SendMessage("c", "1")),
        (BOB, MarkRead("c")),
        (BOB, SendMessage("c", "2")),
        (CAROL, MarkDelivered("c")),
        (BOB, MarkRead("c")),
    )
    first, second = results[0], results[2]
    assert [(move.user_id, move.covered) for move in moves(node)] == [
        ("bob", of(first)),
        ("carol", of(first, second)),
        ("bob", ()),
    ]


async def test_many_moves_take_one_statement_and_batches_of_messages_none(node: Node) -> None:
    users = [Actor(f"user-{number}", "") for number in range(20)]
    await node.do(
        BACKEND, CreateConversation("group", tuple(user.user_id for user in users), id="c", owner_id=users[0].user_id)
    )
    await node.send(users[0], "1")
    with node.statements() as transactions:
        await node.in_one_batch(*((user, MarkDelivered("c")) for user in users))
        await node.in_one_batch(*((user, SendMessage("c", "2")) for user in users))
    # A batch of the harness runs after a transaction of its own.
    asking = [[statement for statement in each if "AS nth" in statement] for each in transactions]
    assert [len(each) for each in asking] == [0, 1, 0, 0]


async def test_the_log_stores_where_a_move_started_but_not_the_covered_messages(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    for number in range(3):
        await node.send(ALICE, str(number))
    await node.do(BOB, MarkDelivered("c"))
    await node.do(BOB, MarkRead("c"))
    await node.send(ALICE, "3")
    await node.do(BOB, MarkRead("c"))
    with database.engine() as engine, engine.connect() as connection:
        of_moves = log.c.type.in_(["MessagesRead", "MessagesDelivered"])
        stored = list(connection.execute(select(log.c.data).where(of_moves).order_by(log.c.pos)).scalars())
    assert ["since" in data for data in stored] == [False, False, True]
    assert [data for data in stored if "covered" in data or "alice" in data] == []


async def test_covered_messages_are_replayed_from_the_log(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = [await node.send(ALICE, str(number)) for number in range(3)]
    await node.do(BOB, MarkDelivered("c", str(sent[1].id)))
    await node.do(BOB, MarkRead("c"))
    # The packets made of the event keep their order, because a recovery offset counts them.
    await node.do(ALICE, DeleteMessage(str(sent[0].id)))
    published = moves(node)
    found = await node.readers.read(lambda snapshot: snapshot.sync.events_of("alice", 0, 100))
    stored = [event for event, _ in found if isinstance(event, Move)]
    assert [move.covered for move in stored] == [None, None]
    filled = await node.readers.read(
        lambda snapshot: snapshot.sync.with_covered_messages([event for event, _ in found])
    )
    assert [event for event in filled if isinstance(event, Move)] == published
    assert [event for event in filled if not isinstance(event, Move)] == [
        event for event, _ in found if not isinstance(event, Move)
    ]
    assert [event for event in await node.replay() if isinstance(event, Move)] == published


async def test_a_row_from_before_covers_the_newest(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "1")
    await node.do(BOB, MarkRead("c"))
    old = (
        f'{{"type":"MessagesRead","pos":{node.log[-1].pos},"at_ms":1,"conversation_id":"c","user_id":"bob","seq":1,'
        f'"message_id":{sent.id},"authors":null}}'
    )
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(update(log).where(log.c.type == "MessagesRead").values(data=old))
    (move,) = [event for event in await node.replay() if isinstance(event, Move)]
    assert (move.since, move.covered) == (0, of(sent))


async def _status(node: Node, message: Message, by: Actor = ALICE) -> str:
    found = await node.do(by, GetMessageStatus(str(message.id)))
    assert found.message.id == message.id
    return str(found.status)


async def test_a_status_is_the_least_that_all_others_have_reached(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    sent = await node.send(ALICE, "1")
    seen = [await _status(node, sent)]
    for actor, mark in ((BOB, MarkRead), (CAROL, MarkDelivered), (ALICE, MarkRead), (CAROL, MarkRead)):
        await node.do(actor, mark("c"))
        seen.append(await _status(node, sent))
    assert seen == ["sent", "sent", "delivered", "delivered", "read"]
    assert await _status(node, await node.send(ALICE, "2")) == "sent"


async def test_a_message_without_recipients_stays_sent(node: Node) -> None:
    await node.group("c", ALICE)
    assert await _status(node, await node.send(ALICE, "1")) == "sent"


async def test_only_users_who_see_a_message_see_its_status(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "1")
    assert await _status(node, sent, by=BOB) == "sent"
    assert await node.refusal(MALLORY, GetMessageStatus(str(sent.id))) == "forbidden"
    assert await node.refusal(MALLORY, GetMessageStatus("1")) == "forbidden"
