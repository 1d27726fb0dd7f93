"""Bans from the whole server: their reason, and how they end."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from talkwire.core.commands.accounts import BanUser, GetUser, UnbanUser
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UserBanned, UserUnbanned
from talkwire.core.engine.timers import TimerLoop
from tests.contracts.node import ALICE, BOB, OPERATOR, Clock, Node, running
from tests.databases import Database


async def test_a_ban_tells_its_reason_and_end(node: Node) -> None:
    await node.users(BOB)
    until_ms = node.clock.now_ms + 60_000
    banned = await node.do(OPERATOR, BanUser("bob", "spam", until_ms))
    assert (banned.banned, banned.ban_reason, banned.ban_until_ms) == (True, "spam", until_ms)
    with pytest.raises(ChatError) as refused:
        await node.chat.user_of_token("bob", "Bob")
    assert refused.value.details == {"until": "2023-11-14T22:14:20.000Z", "reason": "spam"}
    # A directory that was filled before the ban says the same as one that is filled now.
    node.chat.directory.forget_idle()
    assert (await node.chat.directory.find("bob")).user == banned


async def test_a_ban_without_more_tells_nothing_more(node: Node) -> None:
    await node.users(BOB)
    await node.do(OPERATOR, BanUser("bob"))
    with pytest.raises(ChatError) as refused:
        await node.chat.user_of_token("bob", "Bob")
    assert (refused.value.code, refused.value.details) == ("banned", None)


async def test_a_further_ban_replaces_the_reason_and_the_end(node: Node) -> None:
    await node.users(BOB)
    await node.do(OPERATOR, BanUser("bob", "spam", node.clock.now_ms + 1000))
    await node.do(OPERATOR, BanUser("bob", "spam", node.clock.now_ms + 1000))
    assert sum(isinstance(event, UserBanned) for event in node.log) == 1
    user = await node.do(OPERATOR, BanUser("bob", "abuse"))
    assert (user.ban_reason, user.ban_until_ms) == ("abuse", None)
    assert await node.next_timer_ms() is None
    user = await node.do(OPERATOR, UnbanUser("bob"))
    assert (user.banned, user.ban_reason, user.ban_until_ms) == (False, None, None)


async def test_a_ban_cannot_end_in_the_past(node: Node) -> None:
    await node.users(BOB)
    assert await node.refusal(OPERATOR, BanUser("bob", None, node.clock.now_ms)) == "invalid_request"
    assert await node.refusal(OPERATOR, BanUser("bob", "x" * 501)) == "invalid_request"


async def test_bans_end_in_their_order(node: Node) -> None:
    await node.users(ALICE, BOB)
    start_ms = node.clock.now_ms
    await node.do(OPERATOR, BanUser("alice", None, start_ms + 2000))
    await node.do(OPERATOR, BanUser("bob", None, start_ms + 1000))
    node.clock.now_ms = start_ms + 1000
    await node.fire()
    assert await node.next_timer_ms() == start_ms + 2000
    assert [event.user_id for event in node.log if isinstance(event, UserUnbanned)] == ["bob"]
    assert (await node.chat.user_of_token("bob", "Bob"))[0].banned is False


async def test_a_ban_that_ended_while_no_server_ran_is_lifted_at_the_start(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.users(BOB)
        await node.do(OPERATOR, BanUser("bob", "spam", clock.now_ms + 1000))
    clock.now_ms += 1000
    async with running(database, clock) as node:
        await TimerLoop(node.chat, lambda: False).look()
        user = await node.do(OPERATOR, GetUser("bob"))
        assert user == replace(user, banned=False, ban_reason=None, ban_until_ms=None)
