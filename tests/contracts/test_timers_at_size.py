"""10,000 timers that are due at once pass in batches, while messages are sent."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import func, select, update

from talkwire.core.commands.offers import CreateOffer
from talkwire.core.engine.timers import TimerLoop
from talkwire.core.features.messages.offers import create_offer
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.schema import log, offers, timers
from tests.contracts.node import ALICE, BOB, OPERATOR, Call, Node

TIMERS = 10_000
AT_ONCE = 50
WITHIN_S = 0.5
"""How long at most 99 of 100 messages take; alone they take some milliseconds."""


def _make(tx: Transaction) -> None:
    for _ in range(AT_ONCE):
        create_offer(tx, ALICE, CreateOffer("c", "Car", 1, "EUR", expires_ms=tx.now_ms + 1000))


async def test_ten_thousand_timers_leave_others_their_turn(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for _ in range(TIMERS // AT_ONCE):
        await node.do(OPERATOR, Call(_make))
    with node.database.engine() as engine, engine.begin() as connection:
        connection.execute(update(timers).values(due_ms=node.clock.now_ms))
        connection.execute(update(offers).values(expires_ms=node.clock.now_ms))
    firing = asyncio.create_task(TimerLoop(node.chat, lambda: False).run())
    took_s = []
    while await node.next_timer_ms() is not None:
        began_at = time.monotonic()
        await node.send(ALICE, "hello")
        took_s.append(time.monotonic() - began_at)
    firing.cancel()
    assert sorted(took_s)[int(len(took_s) * 0.99)] <= WITHIN_S
    with node.database.engine() as engine, engine.connect() as connection:
        ended = select(func.count()).select_from(log).where(log.c.type == "OfferUpdated")
        assert connection.execute(ended).scalar_one() == TIMERS
