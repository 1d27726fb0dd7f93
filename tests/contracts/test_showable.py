"""Values that cannot be shown are never stored, and a row that cannot be shown hides no other."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Connection, select, text, update

from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.commands.moderation.restrictions import ListRestrictions, RestrictMember
from talkwire.core.commands.offers import CounterOffer, CreateOffer, ListOffers
from talkwire.core.commands.server.offline_queue import StoreMail
from talkwire.core.commands.server.recovery import ListMissed
from talkwire.core.commands.sync import GetSyncState, ListEvents, SyncPage
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.times import LAST_TIME_MS
from talkwire.dialects.messenger.sync import messenger_sync_payload
from talkwire.payloads.moderation.restrictions import restriction_payload
from talkwire.payloads.offers import offer_payload
from talkwire.storage.migrations import newest_revision, upgrade
from talkwire.storage.schema import conversations, log, mailbox, members, messages, offers, restrictions
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Node

LATE_MS = LAST_TIME_MS + 1
SAFE = 2**53 - 1


@pytest.mark.parametrize("number", [SAFE + 1, -SAFE - 1, 10**400], ids=["large", "small", "endless"])
async def test_integers_that_readers_cannot_keep_are_refused(node: Node, number: int) -> None:
    await node.group("c", ALICE, BOB)
    deep: dict[str, object] = {"a": [{"b": number}]}
    assert await node.refusal(ALICE, SendMessage("c", "hello", metadata=deep)) == "invalid_request"
    assert await node.refusal(ALICE, CreateOffer("c", "a", 1, "EUR", metadata=deep)) == "invalid_request"
    kept: dict[str, object] = {"a": [SAFE, -SAFE, True, 1e308]}
    await node.do(ALICE, SendMessage("c", "hello", metadata=kept))
    page = await node.do(BOB, ListMessages("c"))
    assert page.items[0].metadata == kept


@pytest.mark.parametrize("late_ms", [LATE_MS, LAST_TIME_MS + 86_400_000, 2**62, -1])
async def test_times_that_cannot_be_shown_are_refused(node: Node, late_ms: int) -> None:
    await node.group("c", ALICE, BOB)
    offer = await node.do(ALICE, CreateOffer("c", "a", 1, "EUR", expires_ms=LAST_TIME_MS))
    assert offer_payload(offer).expires_at == "9999-12-31T23:59:59.999Z"
    assert await node.refusal(ALICE, CreateOffer("c", "a", 1, "EUR", expires_ms=late_ms)) == "invalid_request"
    assert await node.refusal(BOB, CounterOffer(str(offer.id), 1, expires_ms=late_ms)) == "invalid_request"
    assert await node.refusal(ALICE, RestrictMember("c", "bob", "mute", late_ms)) == "invalid_request"


async def test_an_event_that_cannot_be_read_hides_no_other(node: Node) -> None:
    """The pages before and after it are complete, of any length, and lead to the end."""
    await node.group("c", ALICE, BOB)
    start = (await node.do(BOB, GetSyncState())).cursor
    sent = []
    for number in range(6):
        sent.append((await node.send(ALICE, f"{number}")).id)
        await node.do(ALICE, CreateOffer("c", "a", 1, "EUR"))
    _run(node, update(log).where(log.c.type == "OfferCreated").values(data='{"type":"OfferCreated","pos":1}'))
    for limit in (1, 2, 3, 100):
        assert await _synced(node, start, limit) == sent
    missed = await node.do(BOB, ListMissed(_pos(start), await _head(node), 100))
    assert [event.message.id for event in missed.events if isinstance(event, MessageSent)] == sent


async def test_an_event_that_cannot_be_rendered_hides_no_other(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first = await node.send(ALICE, "first")
    broken = MessageSent(first.id, 0, None)  # type: ignore[arg-type]  # what cannot be
    whole = MessageSent(first.id, 0, first)
    encoded = messenger_sync_payload(SyncPage((broken, whole, broken), "cursor", more=False))
    assert [event.data.content for event in encoded.events or ()] == ["first"]


async def test_invalid_rows_of_older_versions_are_repaired(node: Node) -> None:
    """Rows as they were written before numbers and times were limited: each member can read everything again."""
    await node.group("c", ALICE, BOB, CAROL)
    start = (await node.do(BOB, GetSyncState())).cursor
    sent = [(await node.send(ALICE, f"{number}")).id for number in range(3)]
    await node.do(ALICE, CreateOffer("c", "a", 1, "EUR", expires_ms=LAST_TIME_MS, metadata={"n": 1}))
    await node.do(ALICE, RestrictMember("c", "bob", "mute", LAST_TIME_MS))
    await node.do(ALICE, RestrictMember("c", "carol", "mute"))
    await node.do(BACKEND, StoreMail(("bob",), "event", {"n": 1}))
    huge = "1" + "0" * 400
    with node.write_engine.begin() as connection:
        _spoil(connection, sent[1], huge)
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
        upgrade(connection, "0010")
        # The later tables exist already.
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": newest_revision()})

    assert await _synced(node, start, 2) == sent
    page = await node.do(BOB, ListMessages("c"))
    [repaired] = [message for message in page.items if message.id == sent[1]]
    assert repaired.metadata == {"n": huge, "m": [2.0**53, -(10.0**30), SAFE, "9007199254740993"]}
    assert isinstance(repaired.metadata["m"][0], float)
    [offer] = (await node.do(BOB, ListOffers("c"))).items
    assert (offer.expires_ms, offer.metadata) == (LAST_TIME_MS, {"n": huge})
    offer_payload(offer)
    found = (await node.do(ALICE, ListRestrictions("c", "mute", 0))).items
    assert [restriction_payload(each, for_moderators=True).until for each in found] == [
        "9999-12-31T23:59:59.999Z",
        None,
    ]
    assert await node.refusal(BOB, SendMessage("c", "muted")) == "muted"
    conversation = (await node.do(BOB, GetConversation("c"))).conversation
    assert conversation.metadata == {"n": huge}
    with node.write_engine.begin() as connection:
        for table, column in ((log, "data"), (mailbox, "payload")):
            for stored in connection.execute(select(table.c[column]).where(table.c[column].is_not(None))).scalars():
                assert huge not in stored.replace(f'"{huge}"', "")
                assert str(LATE_MS) not in stored


def _spoil(connection: Connection, message_id: int, huge: str) -> None:
    metadata = f'{{"n":{huge}}}'
    numbers = f'{{"n":{huge},"m":[9007199254740993,-1{"0" * 30},{SAFE},"9007199254740993"]}}'
    connection.execute(update(messages).where(messages.c.id == message_id).values(metadata=numbers))
    connection.execute(update(conversations).values(metadata=metadata))
    connection.execute(update(offers).values(metadata=metadata, expires_ms=LATE_MS))
    connection.execute(update(mailbox).values(payload=huge))
    late = restrictions.c.user_id == "bob"
    connection.execute(update(restrictions).where(late).values(until_ms=LATE_MS))
    connection.execute(update(members).where(members.c.user_id == "bob").values(muted_until_ms=LATE_MS))
    for row in connection.execute(select(log.c.pos, log.c.data).where(log.c.data.is_not(None))).all():
        data = row.data.replace(str(LAST_TIME_MS), str(LATE_MS)).replace('{"n":1}', metadata)
        connection.execute(update(log).where(log.c.pos == row.pos).values(data=data))


async def _synced(node: Node, cursor: str, limit: int) -> list[int]:
    """Returns the messages that a member receives, page by page, each as it is sent to a client."""
    found: list[int] = []
    for _ in range(100):
        page = await node.do(BOB, ListEvents(cursor, limit))
        msgspec.json.encode(messenger_sync_payload(page))
        found += [event.message.id for event in page.events if isinstance(event, MessageSent)]
        cursor = page.cursor
        if not page.more:
            return found
    raise AssertionError("pages without end")


def _run(node: Node, statement: object) -> None:
    with node.write_engine.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # a statement


def _pos(cursor: str) -> int:
    return int(cursor.rpartition("-")[2])


async def _head(node: Node) -> int:
    cursor = (await node.do(BOB, GetSyncState())).cursor
    assert cursor_of(cursor.rpartition("-")[0], _pos(cursor)) == cursor
    return _pos(cursor)
