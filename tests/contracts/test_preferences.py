"""Notification settings of users."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from talkwire.core.commands.accounts import BanUser, EraseUser
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.preferences import (
    GetMemberPreferences,
    GetPreferences,
    SetMemberPreferences,
    SetPreferences,
)
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import ConversationPreferred, PreferencesChanged
from talkwire.core.domain.model import Actor, ConversationPreferences, DoNotDisturb, Preferences
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
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


# --- by the back end ------------------------------------------------------------------------------------------------


async def test_the_back_end_chooses_for_a_user(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    for actor, preferences in ((BACKEND, WANTED), (OPERATOR, Preferences())):
        assert await node.do(actor, SetPreferences(preferences, user_id="bob")) == preferences
        assert node.log[-1] == PreferencesChanged(node.chat.pos, clock.now_ms, "bob", preferences)
        assert await node.do(actor, GetPreferences("bob")) == preferences
        assert await node.do(BOB, GetPreferences()) == preferences
    wanted = ConversationPreferences(notify="all", sound="gong")
    assert await node.do(BACKEND, SetMemberPreferences("c", notify="all", sound="gong", user_id="bob")) == wanted
    assert node.log[-1] == ConversationPreferred(node.chat.pos, clock.now_ms, "c", "bob", False, "all", "gong")
    assert await node.do(BACKEND, GetMemberPreferences("c", "bob")) == wanted
    assert await node.do(BOB, GetMemberPreferences("c")) == wanted
    assert await node.do(ALICE, GetMemberPreferences("c")) == ConversationPreferences()


@pytest.mark.parametrize(
    ("actor", "user_id", "code", "text"),
    [
        (ALICE, "bob", "forbidden", "Only the application's backend may act for another user."),
        (OPERATOR, "bob", "forbidden", "Only the application's backend may act for another user."),
        (BACKEND, "nobody", "not_found", "There is no user nobody."),
        (
            BACKEND,
            "carol",
            "forbidden",
            "carol is not a member of c. POST /api/v1/conversations/c/members adds members.",
        ),
        (BACKEND, None, "invalid_request", "userId: is missing: the back end acts in the name of a member"),
        (BACKEND, "no id!", "invalid_request", "userId"),
        (ALICE, "alice", None, ""),
    ],
)
async def test_only_the_back_end_names_another_member(
    node: Node, actor: Actor, user_id: str | None, code: str | None, text: str
) -> None:
    await node.users(CAROL)
    await node.group("c", ALICE, BOB)
    for command in (SetMemberPreferences("c", notify="all", user_id=user_id), GetMemberPreferences("c", user_id)):
        if code is None:
            assert (await node.do(actor, command)).notify == "all"
            continue
        with pytest.raises(ChatError) as refused:
            await node.do(actor, command)
        assert refused.value.code == code
        assert text in str(refused.value)
    assert (await node.do(BOB, GetMemberPreferences("c"))).notify is None


@pytest.mark.parametrize(
    ("actor", "user_id", "code"),
    [
        (ALICE, "bob", "forbidden"),
        (BACKEND, "nobody", "not_found"),
        (OPERATOR, "nobody", "not_found"),
        (BACKEND, "no id!", "invalid_request"),
        (ALICE, "alice", None),
    ],
)
async def test_only_the_back_end_and_admins_name_another_user(
    node: Node, actor: Actor, user_id: str, code: str | None
) -> None:
    await node.group("c", ALICE, BOB)
    if code is None:
        assert await node.do(actor, SetPreferences(WANTED, user_id=user_id)) == WANTED
        assert await node.do(actor, GetPreferences(user_id)) == WANTED
        return
    assert await node.refusal(actor, SetPreferences(WANTED, user_id=user_id)) == code
    assert await node.refusal(actor, GetPreferences(user_id)) == code


async def test_nothing_is_chosen_for_banned_and_erased_users(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(OPERATOR, BanUser("bob"))
    await node.do(OPERATOR, EraseUser("carol", redact=False))
    for user_id in ("bob", "carol"):
        assert await node.refusal(BACKEND, SetPreferences(WANTED, user_id=user_id)) == "banned"
        assert await node.refusal(BACKEND, SetMemberPreferences("c", muted=True, user_id=user_id)) == "banned"
