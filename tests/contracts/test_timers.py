"""Timers: each fires once and none early, on any number of nodes, and the row that it is about decides."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import MappingProxyType

import pytest
from sqlalchemy import delete, select

from talkwire.bus.memory import Exchange
from talkwire.core.commands.accounts import BanUser, UnbanUser
from talkwire.core.commands.conversations import DeleteConversation
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.offers import CreateOffer, UpdateOffer
from talkwire.core.commands.server.timers import AddMissingTimers, FindTimer, FireTimers, PostponeTimer, Timer
from talkwire.core.domain.events import DurableEvent, MemberUnrestricted, OfferCreated, OfferUpdated, UserUnbanned
from talkwire.core.domain.model import Offer
from talkwire.core.engine.timers import TIMERS_AT_ONCE, TimerLoop
from talkwire.core.features.messages.offers import create_offer
from talkwire.core.features.operation import timers as kinds
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.schema import offers, restrictions, timers, users
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Call, Clock, Node, running
from tests.databases import Database
from tests.repetition import repetitions
from tests.waiting import until, until_asked

SECOND_MS = 1000


def stored(node: Node) -> dict[tuple[str, str], int]:
    with node.database.engine() as engine, engine.connect() as connection:
        return {(row.kind, row.key): row.due_ms for row in connection.execute(select(timers))}


def expected(node: Node) -> dict[tuple[str, str], int]:
    """Returns the timers that the rows of the other tables need."""
    with node.database.engine() as engine, engine.connect() as connection:
        found = {}
        for row in connection.execute(select(offers).where(offers.c.status == "pending")):
            if row.expires_ms is not None:
                found["offer", str(row.id)] = row.expires_ms
        for row in connection.execute(select(users).where(users.c.ban_until_ms.is_not(None))):
            found["ban", row.id] = row.ban_until_ms
        for row in connection.execute(select(restrictions).where(restrictions.c.until_ms < 2**53)):
            kind = "mute" if row.kind == "mute" else "conversation-ban"
            found[kind, f"{row.conversation_id}/{row.user_id}"] = row.until_ms
        return found


async def made(node: Node, expires_ms: int | None) -> Offer:
    offer = await node.do(ALICE, CreateOffer("c", "Car", 1, "EUR", expires_ms=expires_ms))
    assert isinstance(offer, Offer)
    return offer


async def change(node: Node, chance: random.Random, pending: list[Offer]) -> None:
    """Sets, moves or removes a timer at random."""
    end_ms = chance.choice([None, *(node.clock.now_ms + seconds * SECOND_MS for seconds in (1, 2, 3, 5))])
    match chance.choice(["offer", "decide", "ban", "unban", "mute", "unmute", "conversation-ban", "lift"]):
        case "offer":
            pending.append(await made(node, end_ms))
        case "decide" if pending:
            offer = pending.pop(chance.randrange(len(pending)))
            if offer.expires_ms is None or offer.expires_ms > node.clock.now_ms:
                await node.do(ALICE, UpdateOffer(str(offer.id), "withdrawn"))
        case "ban":
            await node.do(OPERATOR, BanUser("carol", None, end_ms))
        case "unban":
            await node.do(OPERATOR, UnbanUser("carol"))
        case "mute":
            await node.do(OPERATOR, RestrictMember("c", "bob", "mute", end_ms))
        case "unmute":
            await node.do(OPERATOR, UnrestrictMember("c", "bob", "mute"))
        case "conversation-ban":
            await node.do(OPERATOR, RestrictMember("c", "carol", "ban", end_ms))
        case _:
            await node.do(OPERATOR, UnrestrictMember("c", "carol", "ban"))


@pytest.mark.parametrize("seed", range(repetitions(2)))
async def test_timers_follow_from_rows_whatever_happens(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    pending: list[Offer] = []
    await node.users(CAROL)
    await node.group("c", ALICE, BOB)
    for _ in range(30):
        await change(node, chance, pending)
        assert stored(node) == expected(node)
        if chance.random() < 0.4:
            node.clock.now_ms += chance.choice([500, 1000, 3000])
            await node.fire()
            left = stored(node)
            assert left == expected(node)
            assert all(due_ms > node.clock.now_ms for due_ms in left.values())
    assert any(isinstance(event, OfferUpdated | UserUnbanned | MemberUnrestricted) for event in node.log)


async def test_missing_timers_are_set_from_the_rows(node: Node) -> None:
    """As after a node of a version without timers, which has written the rows alone."""
    await node.users(CAROL)
    await node.group("c", ALICE, BOB)
    await node.group("gone", ALICE, BOB)
    later_ms = node.clock.now_ms + SECOND_MS
    await made(node, later_ms)
    await made(node, None)
    await node.do(ALICE, UpdateOffer(str((await made(node, later_ms)).id), "withdrawn"))
    await node.do(OPERATOR, BanUser("carol", None, later_ms))
    for place, kind, until_ms in (("c", "mute", later_ms), ("c", "ban", later_ms), ("gone", "mute", later_ms)):
        await node.do(OPERATOR, RestrictMember(place, "bob", kind, until_ms))  # type: ignore[arg-type]  # its kinds
    await node.do(OPERATOR, RestrictMember("c", "carol", "mute"))
    await node.do(ALICE, DeleteConversation("gone"))
    before = {key: due_ms for key, due_ms in stored(node).items() if key != ("mute", "gone/bob")}
    assert len(before) == 4
    with node.database.engine() as engine, engine.begin() as connection:
        connection.execute(delete(timers))
    await node.do(OPERATOR, AddMissingTimers())
    assert stored(node) == before
    await node.do(OPERATOR, AddMissingTimers())
    assert stored(node) == before


async def test_a_timer_that_is_too_early_for_its_row_is_set_again(node: Node) -> None:
    """As after a node of a version without timers, which has prolonged bans without moving their timers."""
    await node.users(CAROL)
    await node.group("c", ALICE, BOB)
    end_ms = node.clock.now_ms + 60 * SECOND_MS
    await made(node, end_ms)
    await node.do(OPERATOR, BanUser("carol", None, end_ms))
    await node.do(OPERATOR, RestrictMember("c", "bob", "mute", end_ms))
    await node.do(OPERATOR, RestrictMember("c", "carol", "ban", end_ms))
    right = stored(node)
    found = await node.do(OPERATOR, FindTimer())
    assert not (await node.do(OPERATOR, FireTimers(found.timer, 10))).is_own
    await set_timers(node, *(Timer(kind, key, node.clock.now_ms) for kind, key in right))
    await node.fire()
    assert stored(node) == right
    assert len(right) == 4
    assert not any(isinstance(event, OfferUpdated | UserUnbanned | MemberUnrestricted) for event in node.log)


async def test_a_plain_message_touches_no_timer(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await made(node, node.clock.now_ms + SECOND_MS)
    with node.statements() as transactions:
        await node.send(ALICE, "hello")
    assert transactions
    assert not [statement for statements in transactions for statement in statements if "timers" in statement]


async def test_a_node_learns_of_the_timers_that_it_sets(node: Node) -> None:
    waits_ms: list[int] = []
    node.chat.on_timer_set = waits_ms.append
    await node.group("c", ALICE, BOB)
    later, sooner = (CreateOffer("c", "Car", 1, "EUR", expires_ms=node.clock.now_ms + ms) for ms in (3000, 1000))
    await node.in_one_batch((ALICE, later), (ALICE, sooner))
    await node.send(ALICE, "hello")
    await made(node, None)
    assert waits_ms == [1000]


async def test_only_operators_fire_timers(node: Node) -> None:
    await node.users(ALICE)
    timer = Timer("offer", "1", 0)
    for command in (FindTimer(), FireTimers(timer, 1), PostponeTimer(timer, 1), AddMissingTimers()):
        assert await node.refusal(ALICE, command) == "forbidden"


# --- kinds ------------------------------------------------------------------------------------------------------------

Fire = Callable[[Transaction, str], "int | None"]


def with_kinds(monkeypatch: pytest.MonkeyPatch, **more: Fire) -> None:
    named: Mapping[str, Fire] = MappingProxyType({**kinds.KINDS, **more})
    monkeypatch.setattr(kinds, "KINDS", named)


async def set_timers(node: Node, *given: Timer) -> None:
    def put(tx: Transaction) -> None:
        for each in given:
            tx.timers.set(*each)

    await node.do(OPERATOR, Call(put))


async def test_what_is_renewed_often_need_not_move_its_timer(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease: the timer looks at it when it fires, and is set again."""
    lease_ms = node.clock.now_ms + 15 * SECOND_MS
    ended: list[str] = []

    def look(tx: Transaction, key: str) -> int | None:
        if lease_ms > tx.now_ms:
            return lease_ms
        ended.append(key)
        return None

    with_kinds(monkeypatch, lease=look)
    await set_timers(node, Timer("lease", "one", node.clock.now_ms + SECOND_MS))
    node.clock.now_ms += SECOND_MS
    await node.fire()
    assert (stored(node), ended) == ({("lease", "one"): lease_ms}, [])
    node.clock.now_ms = lease_ms
    await node.fire()
    assert (stored(node), ended) == ({}, ["one"])


async def test_timers_of_an_unknown_kind_are_left_alone(node: Node) -> None:
    """A newer version beside this one has set them."""
    await node.group("c", ALICE, BOB)
    offer = await made(node, node.clock.now_ms + 1)
    newer = Timer("newer", "one", node.clock.now_ms)
    await set_timers(node, newer)
    node.clock.now_ms += SECOND_MS
    await node.fire()
    assert stored(node) == {("newer", "one"): newer.due_ms}
    assert [event.offer.id for event in node.log if isinstance(event, OfferUpdated)] == [offer.id]


async def test_a_kind_that_fails_holds_up_no_others(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tx: Transaction, key: str) -> int | None:
        raise ZeroDivisionError

    with_kinds(monkeypatch, broken=fail)
    await node.group("c", ALICE, BOB)
    await made(node, node.clock.now_ms + 1)
    await set_timers(node, Timer("broken", "one", node.clock.now_ms - 1))
    node.clock.now_ms += 1
    loop = TimerLoop(node.chat, lambda: False)
    for _ in range(4):
        await loop.look()
    assert stored(node).keys() == {("broken", "one")}
    assert any(isinstance(event, OfferUpdated) for event in node.log)
    assert min(stored(node).values()) > node.clock.now_ms


async def test_a_node_that_finds_another_one_firing_does_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for _ in range(2):
        await made(node, node.clock.now_ms + 1)
    node.clock.now_ms += 1
    found = await node.do(OPERATOR, FindTimer())
    assert (await node.do(OPERATOR, FireTimers(found.timer, 1))).late_ms == (0,)
    assert not (await node.do(OPERATOR, FireTimers(found.timer, 1))).is_own
    assert len(stored(node)) == 1


async def test_many_that_are_due_at_once_leave_others_their_turn(node: Node) -> None:
    """Messages are sent between the batches."""
    await node.group("c", ALICE, BOB)
    for _ in range(3 * TIMERS_AT_ONCE):
        await made(node, node.clock.now_ms + 1)
    node.clock.now_ms += 1
    task = asyncio.create_task(TimerLoop(node.chat, lambda: False).run())
    sent = 0
    while stored(node):
        await node.send(ALICE, "hello")
        sent += 1
    task.cancel()
    ends = [event.pos for event in node.log if isinstance(event, OfferUpdated)]
    assert len(ends) == 3 * TIMERS_AT_ONCE
    assert ends != list(range(ends[0], ends[0] + len(ends)))


# --- several nodes ----------------------------------------------------------------------------------------------------


def ends_of(events: Iterable[DurableEvent]) -> Counter[int]:
    """Returns how often each offer has expired, and checks that none did early."""
    ends: Counter[int] = Counter()
    for event in events:
        if isinstance(event, OfferUpdated):
            assert event.offer.status == "expired"
            assert event.offer.expires_ms is not None
            assert event.at_ms >= event.offer.expires_ms
            ends[event.offer.id] += 1
    return ends


def _offer_soon(tx: Transaction, wait_ms: int) -> None:
    create_offer(tx, ALICE, CreateOffer("c", "Car", 1, "EUR", expires_ms=tx.now_ms + wait_ms))


async def _log(node: Node) -> list[DurableEvent]:
    events: list[DurableEvent] = []
    while more := await node.replay(after=events[-1].pos if events else 0):
        events += more
    return events


@pytest.mark.parametrize("seed", range(repetitions(6, 1)))
async def test_each_fires_once_on_three_nodes_with_clocks_an_hour_apart(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """By the database's clock, while nodes are killed around the times: their tasks end within a transaction."""
    chance = random.Random(seed)
    by_the_hour = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: by_the_hour() + chance.choice([-1, 0, 1]) * 3_600_000_000_000)
    async with AsyncExitStack() as stack:
        exchange = Exchange()
        of_the_database: Clock = None  # type: ignore[assignment]  # the database has its own
        nodes = [
            await stack.enter_async_context(running(postgresql_database, of_the_database, exchange, alone=False))
            for _ in range(3)
        ]
        await nodes[0].group("c", ALICE, BOB)
        tasks: list[asyncio.Task[None]] = []
        for node in nodes:
            loop = TimerLoop(node.chat, lambda: True)
            node.chat.on_timer_set = loop.expect
            tasks.append(asyncio.create_task(loop.run()))
            stack.callback(tasks[-1].cancel)
        for number in range(60):
            await nodes[number % 3].do(ALICE, Call(partial(_offer_soon, wait_ms=chance.choice([300, 300, 450, 600]))))
        await until(lambda: any(isinstance(event, OfferUpdated) for event in nodes[2].log))
        tasks[chance.randrange(2)].cancel()

        async def none_is_left() -> bool:
            return not await nodes[2].next_timer_ms()

        await until_asked(none_is_left)
        events = await _log(nodes[0])
        made_ids = [event.offer.id for event in events if isinstance(event, OfferCreated)]
        assert len(made_ids) == 60
        assert ends_of(events) == dict.fromkeys(made_ids, 1)


async def test_timers_of_the_past_fire_at_the_start(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.users(BOB)
        await node.do(BACKEND, BanUser("bob", None, clock.now_ms + SECOND_MS))
    clock.now_ms += SECOND_MS
    async with running(database, clock) as again:
        task = asyncio.create_task(TimerLoop(again.chat, lambda: False).run())
        await until(lambda: any(isinstance(event, UserUnbanned) for event in again.log))
        task.cancel()
