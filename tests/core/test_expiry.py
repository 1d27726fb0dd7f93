"""The timer that closes expired offers and lifts ended bans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from talkwire.core.commands.accounts import EndBans
from talkwire.core.commands.offers import ExpireOffers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import OfferCreated, UserBanned
from talkwire.core.domain.model import Actor, Offer
from talkwire.core.engine.expiry import BanExpiry, OfferExpiry
from tests.waiting import deadline

Done = Callable[[int | None, Exception | None], None]


class Asked:
    """A chat that receives `ExpireOffers` and `EndBans`; `next` is its next result."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Done] = asyncio.Queue()

    def submit(self, actor: Actor, command: ExpireOffers | EndBans, done: Done) -> None:
        self._waiting.put_nowait(done)

    @property
    def is_asked(self) -> bool:
        return not self._waiting.empty()

    async def next(self) -> Done:
        async with deadline():
            return await self._waiting.get()


class Clock:
    """Milliseconds since 1970; it stands still unless the test sets it."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


def made(expires_ms: int | None) -> OfferCreated:
    return OfferCreated(1, 0, Offer(1, "c", "alice", "x", 1, "EUR", "pending", 0, 0, expires_ms=expires_ms))


async def test_due_offers_are_closed_at_the_start_and_at_the_next_time() -> None:
    chat, clock = Asked(), Clock()
    expiry = OfferExpiry(chat, clock)
    expiry.start()
    (await chat.next())(clock.now_ms + 10, None)
    (await chat.next())(None, None)
    assert not chat.is_asked
    expiry.close()


async def test_a_new_offer_that_expires_earlier_resets_the_timer() -> None:
    chat, clock = Asked(), Clock()
    expiry = OfferExpiry(chat, clock)
    expiry.follow([made(clock.now_ms + 10**9), made(None), made(clock.now_ms + 10), made(clock.now_ms + 10**9)])
    (await chat.next())(None, None)
    expiry.close()


async def test_an_unavailable_database_is_retried() -> None:
    chat, clock = Asked(), Clock()
    expiry = OfferExpiry(chat, clock)
    expiry.start()
    done = await chat.next()
    loop = asyncio.get_running_loop()
    before = loop.time()
    done(None, ChatError("unavailable", "The database does not answer."))
    assert expiry.next_at is not None
    assert before + 5 <= expiry.next_at <= loop.time() + 5
    expiry.close()


async def test_the_timer_waits_for_at_most_an_hour() -> None:
    chat, clock = Asked(), Clock()
    expiry = OfferExpiry(chat, clock)
    expiry.follow([made(clock.now_ms + 10**12)])
    assert expiry.next_at is not None
    assert expiry.next_at - asyncio.get_running_loop().time() <= 3600
    expiry.close()


async def test_a_closed_expiry_sends_no_commands() -> None:
    chat, clock = Asked(), Clock()
    expiry = OfferExpiry(chat, clock)
    expiry.start()
    done = await chat.next()
    expiry.close()
    done(clock.now_ms, None)
    expiry.follow([made(clock.now_ms)])
    assert expiry.next_at is None


async def test_a_ban_is_lifted_when_it_ends() -> None:
    chat, clock = Asked(), Clock()
    expiry = BanExpiry(chat, clock)
    expiry.start()
    (await chat.next())(None, None)
    assert expiry.next_at is None
    expiry.follow([UserBanned(1, 0, "alice"), UserBanned(2, 0, "bob", until_ms=clock.now_ms + 10)])
    (await chat.next())(None, None)
    expiry.close()
