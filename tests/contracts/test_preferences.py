"""Notification settings of users."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import BanUser
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
