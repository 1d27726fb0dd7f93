"""Notification settings of users."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.preferences import (
    GetMemberPreferences,
    GetPreferences,
    SetMemberPreferences,
    SetPreferences,
)
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import ConversationPreferred, PreferencesChanged
from talkwire.core.domain.model import ConversationPreferences, DoNotDisturb, Preferences
from tests.contracts.node import ALICE, BOB, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

QUIET = DoNotDisturb(enabled=True, start_minute=1, end_minute=2, time_zone="Europe/Berlin", days=(0, 6))
WANTED = Preferences(off=("offer", "missed-call"), sounds={"direct": "bell", "mention": None}, do_not_disturb=QUIET)


async def test_preferences_are_stored_as_given(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE, BOB)
        assert await node.do(ALICE, GetPreferences()) == Preferences()
        assert await node.do(ALICE, SetPreferences(WANTED)) == WANTED
        assert node.log[-1] == PreferencesChanged(node.chat.pos, clock.now_ms, "alice", WANTED)
    async with running(database, clock) as node:
        assert await node.do(ALICE, GetPreferences()) == WANTED
        assert await node.do(BOB, GetPreferences()) == Preferences()
        await node.do(ALICE, SetPreferences(Preferences()))
        assert await node.do(ALICE, GetPreferences()) == Preferences()


async def test_setting_the_same_status_again_announces_nothing(node: Node) -> None:
    await node.group("c", ALICE)
    await node.do(ALICE, SetPreferences(WANTED))
    await node.do(ALICE, SetMemberPreferences("c", muted=True))
    pos = node.chat.pos
    await node.do(ALICE, SetPreferences(WANTED))
    await node.do(ALICE, SetMemberPreferences("c", muted=True))
    assert node.chat.pos == pos


@pytest.mark.parametrize(
    ("preferences", "path"),
    [
        (Preferences(sounds={"direct": "Bell"}), "sounds.direct"),
        (Preferences(sounds={"direct": ""}), "sounds.direct"),
        (Preferences(sounds={"direct": "x" * 65}), "sounds.direct"),
        (Preferences(do_not_disturb=DoNotDisturb(time_zone="Nowhere/Atlantis")), "doNotDisturb.timeZone"),
        (Preferences(do_not_disturb=DoNotDisturb(time_zone="../etc/passwd")), "doNotDisturb.timeZone"),
        (Preferences(do_not_disturb=DoNotDisturb(time_zone="America")), "doNotDisturb.timeZone"),
        (Preferences(do_not_disturb=DoNotDisturb(time_zone="")), "doNotDisturb.timeZone"),
        (Preferences(do_not_disturb=DoNotDisturb(time_zone="UTC\x00")), "doNotDisturb.timeZone"),
        (Preferences(do_not_disturb=DoNotDisturb(start_minute=1440)), "doNotDisturb.from"),
        (Preferences(do_not_disturb=DoNotDisturb(end_minute=-1)), "doNotDisturb.to"),
        (Preferences(do_not_disturb=DoNotDisturb(days=(7,))), "doNotDisturb.days"),
    ],
)
async def test_invalid_settings_are_refused(node: Node, preferences: Preferences, path: str) -> None:
    await node.group("c", ALICE)
    with pytest.raises(ChatError) as refused:
        await node.do(ALICE, SetPreferences(preferences))
    assert refused.value.code == "invalid_request"
    assert isinstance(refused.value.details, list)
    assert refused.value.details[0]["path"] == path
    assert await node.do(ALICE, GetPreferences()) == Preferences()


async def test_each_member_has_their_own_settings(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    assert await node.do(ALICE, GetMemberPreferences("c")) == ConversationPreferences()
    wanted = ConversationPreferences(muted=True, notify="mentions", sound="gong")
    assert await node.do(ALICE, SetMemberPreferences("c", muted=True, notify="mentions", sound="gong")) == wanted
    assert node.log[-1] == ConversationPreferred(node.chat.pos, clock.now_ms, "c", "alice", True, "mentions", "gong")
    assert await node.do(ALICE, GetMemberPreferences("c")) == wanted
    assert await node.do(BOB, GetMemberPreferences("c")) == ConversationPreferences()
    assert await node.do(ALICE, SetMemberPreferences("c")) == ConversationPreferences()
    assert await node.do(ALICE, GetMemberPreferences("c")) == ConversationPreferences()


async def test_strangers_and_banned_users_cannot_change_settings(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for there in ("c", "nowhere"):
        assert await node.refusal(MALLORY, GetMemberPreferences(there)) == "forbidden"
        assert await node.refusal(MALLORY, SetMemberPreferences(there)) == "forbidden"
    assert await node.refusal(MALLORY, SetPreferences(WANTED)) == "forbidden"
    assert await node.refusal(ALICE, SetMemberPreferences("c", sound="No such!")) == "invalid_request"
    await node.do(OPERATOR, BanUser("bob"))
    assert await node.refusal(BOB, SetPreferences(WANTED)) == "banned"
    assert await node.refusal(BOB, SetMemberPreferences("c", muted=True)) == "banned"


async def test_a_mute_ends_at_its_time(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    until_ms = clock.now_ms + 1000
    wanted = ConversationPreferences(muted=True, unmute_ms=until_ms)
    assert await node.do(ALICE, SetMemberPreferences("c", muted=True, unmute_ms=until_ms)) == wanted
    assert node.log[-1] == ConversationPreferred(
        node.chat.pos, clock.now_ms, "c", "alice", True, None, None, unmute_ms=until_ms
    )
    clock.now_ms = until_ms - 1
    assert await node.do(ALICE, GetMemberPreferences("c")) == wanted
    clock.now_ms = until_ms
    assert await node.do(ALICE, GetMemberPreferences("c")) == ConversationPreferences()
    reader = (await node.do(ALICE, GetConversation("c"))).reader
    assert (reader.muted, reader.unmute_ms) == (False, None)
    await node.do(ALICE, SetMemberPreferences("c", muted=UNSET, favourite=True))
    event = node.log[-1]
    assert isinstance(event, ConversationPreferred)
    assert (event.muted, event.unmute_ms, event.favourite) == (False, None, True)


async def test_a_command_returns_a_conversation_without_its_ended_mute(node: Node, clock: Clock) -> None:
    await node.users(ALICE, BOB)
    create = CreateConversation("direct", ("bob",))
    conversation_id = (await node.do(ALICE, create)).conversation.id
    await node.do(ALICE, SetMemberPreferences(conversation_id, muted=True, unmute_ms=clock.now_ms + 1000))
    assert (await node.do(ALICE, create)).reader.muted
    clock.now_ms += 1000
    assert not (await node.do(ALICE, create)).reader.muted


async def test_muting_without_an_end_replaces_the_end(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE)
    until_ms = clock.now_ms + 1000
    for then, expected in (
        (SetMemberPreferences("c", muted=UNSET, favourite=True), (True, until_ms)),
        (SetMemberPreferences("c", muted=UNSET, unmute_ms=until_ms + 1), (True, until_ms + 1)),
        (SetMemberPreferences("c", muted=UNSET, unmute_ms=None), (True, None)),
        (SetMemberPreferences("c", muted=True), (True, None)),
        (SetMemberPreferences("c", muted=False), (False, None)),
    ):
        await node.do(ALICE, SetMemberPreferences("c", muted=True, unmute_ms=until_ms))
        found = await node.do(ALICE, then)
        assert (found.muted, found.unmute_ms) == expected


async def test_a_mute_ends_only_in_the_future(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE)
    for refused in (
        SetMemberPreferences("c", muted=True, unmute_ms=clock.now_ms),
        SetMemberPreferences("c", unmute_ms=clock.now_ms + 1),
        SetMemberPreferences("c", muted=UNSET, unmute_ms=clock.now_ms + 1),
    ):
        with pytest.raises(ChatError) as raised:
            await node.do(ALICE, refused)
        assert (raised.value.code, "mutedUntil" in str(raised.value.details)) == ("invalid_request", True)
