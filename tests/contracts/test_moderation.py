"""Mutes and bans, and how long they last."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from talkwire.core.commands.calls import FindCallees
from talkwire.core.commands.conversations import CreateConversation, GetConversation, ListConversations
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.commands.moderation.restrictions import ListRestrictions, RestrictMember, UnrestrictMember
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MemberRemoved, MemberRestricted, MemberUnrestricted
from talkwire.core.domain.model import FOR_EVER_MS, Actor, Restriction, RestrictionKind
from talkwire.core.domain.times import iso
from talkwire.storage.schema import members, restrictions
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node


async def _listed(node: Node, kind: RestrictionKind) -> list[str]:
    page = await node.do(ALICE, ListRestrictions("c", kind, node.clock.now_ms))
    return [restriction.user_id for restriction in page.items]


# --- mutes ----------------------------------------------------------------------------------------------------------


async def test_a_muted_member_cannot_write_until_the_mute_ends(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    until_ms = node.clock.now_ms + 60_000
    restriction = await node.do(ALICE, RestrictMember("c", "bob", "mute", until_ms, "spam"))
    assert restriction == Restriction("c", "bob", "mute", until_ms, "alice", "spam")
    with pytest.raises(ChatError) as refused:
        await node.do(BOB, SendMessage("c", "x"))
    assert (refused.value.code, refused.value.details) == ("muted", {"until": "2023-11-14T22:14:20.000Z"})
    assert await node.roles("c") == {"alice": "owner", "bob": "member"}
    node.clock.now_ms = until_ms
    await node.send(BOB, "sorry")


async def test_a_muted_member_cannot_call_until_the_mute_ends(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "mute", node.clock.now_ms + 1000))
    assert await node.refusal(BOB, FindCallees("c", 5)) == "muted"
    node.clock.now_ms += 1001
    assert "alice" in (await node.do(BOB, FindCallees("c", 5))).member_ids


async def test_a_mute_outlasts_leaving_and_coming_back(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    await node.do(BOB, RemoveMember("c", "bob"))
    (member,) = (await node.do(ALICE, AddMembers("c", ("bob",)))).members
    assert member.muted_until_ms == FOR_EVER_MS
    assert await node.refusal(BOB, SendMessage("c", "x")) == "muted"
    await node.do(ALICE, UnrestrictMember("c", "bob", "mute"))
    await node.send(BOB, "x")


async def test_a_mute_of_a_user_outside_applies_when_they_join(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert await node.refusal(BOB, SendMessage("c", "x")) == "muted"


async def test_a_mute_and_a_message_in_one_batch_follow_their_order(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    before, _, after, _, again = await node.in_one_batch(
        (BOB, SendMessage("c", "1")),
        (ALICE, RestrictMember("c", "bob", "mute")),
        (BOB, SendMessage("c", "2")),
        (ALICE, UnrestrictMember("c", "bob", "mute")),
        (BOB, SendMessage("c", "3")),
    )
    assert (before.seq, after.code, again.seq) == (1, "muted", 2)


# --- bans -----------------------------------------------------------------------------------------------------------


async def test_a_ban_takes_a_member_out_and_keeps_them_out(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "ban"))
    assert await node.roles("c") == {"alice": "owner"}
    restricted, removed = node.log[-2:]
    assert isinstance(restricted, MemberRestricted)
    assert isinstance(removed, MemberRemoved)
    assert (removed.user_id, removed.by) == ("bob", "alice")
    assert await node.refusal(BOB, SendMessage("c", "x")) == "forbidden"
    assert await node.refusal(BOB, GetConversation("c")) == "forbidden"
    for actor in (ALICE, BACKEND, OPERATOR):
        assert await node.refusal(actor, AddMembers("c", ("bob",))) == "banned"
    await node.do(ALICE, UnrestrictMember("c", "bob", "ban"))
    assert await node.roles("c") == {"alice": "owner"}
    await node.do(ALICE, AddMembers("c", ("bob",)))


async def test_a_banned_user_joins_no_public_channel_until_it_ends(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("channel", ("alice",), id="c", public=True, owner_id="alice"))
    await node.users(BOB)
    until_ms = node.clock.now_ms + 1000
    await node.do(ALICE, RestrictMember("c", "bob", "ban", until_ms, "spam"))
    with pytest.raises(ChatError) as refused:
        await node.do(BOB, AddMembers("c", ("bob",)))
    assert refused.value.code == "banned"
    assert refused.value.details == {"conversationId": "c", "until": iso(until_ms), "reason": "spam"}
    await node.do(ALICE, RestrictMember("c", "bob", "ban"))
    with pytest.raises(ChatError) as endless:
        await node.do(BOB, AddMembers("c", ("bob",)))
    assert endless.value.details == {"conversationId": "c", "until": None, "reason": None}
    await node.do(ALICE, RestrictMember("c", "bob", "ban", until_ms))
    node.clock.now_ms = until_ms
    assert len((await node.do(BOB, AddMembers("c", ("bob",)))).members) == 1


async def test_a_banned_user_does_not_prevent_mentions_of_others(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    await node.do(ALICE, RestrictMember("c", "bob", "ban"))
    with pytest.raises(ChatError) as refused:
        await node.do(ALICE, AddMembers("c", ("carol", "bob")))
    assert (refused.value.code, refused.value.details) == ("banned", {"userIds": ["bob"]})
    assert await node.roles("c") == {"alice": "owner"}


async def test_a_ban_and_a_join_in_one_batch_leave_no_member(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("channel", ("alice",), id="c", public=True, owner_id="alice"))
    await node.users(BOB)
    _, _, again = await node.in_one_batch(
        (BOB, AddMembers("c", ("bob",))),
        (ALICE, RestrictMember("c", "bob", "ban")),
        (BOB, AddMembers("c", ("bob",))),
    )
    assert again.code == "banned"
    assert await node.roles("c") == {"alice": "owner"}


# --- who, whom ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mute", "ban"])
async def test_moderators_reach_those_below_them(node: Node, kind: RestrictionKind) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.users(MALLORY)
    for name in ("bob", "carol"):
        await node.do(ALICE, UpdateMember("c", name, "admin"))
    for actor, target in ((BOB, "alice"), (BOB, "carol"), (BOB, "bob"), (BACKEND, "alice"), (OPERATOR, "alice")):
        assert await node.refusal(actor, RestrictMember("c", target, kind)) == "forbidden"
    for actor in (MALLORY, BOB):
        assert await node.refusal(actor, RestrictMember("none", "carol", kind)) == "forbidden"
        assert await node.refusal(actor, UnrestrictMember("none", "carol", kind)) == "forbidden"
    assert await node.refusal(MALLORY, RestrictMember("c", "carol", kind)) == "forbidden"
    await node.do(BOB, RestrictMember("c", "mallory", kind))
    await node.do(ALICE, RestrictMember("c", "carol", kind))
    await node.do(OPERATOR, RestrictMember("c", "bob", kind))
    assert await _listed(node, kind) == ["bob", "carol", "mallory"]


async def test_restricting_in_a_direct_conversation_is_refused(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    for actor in (ALICE, BACKEND, OPERATOR):
        assert await node.refusal(actor, RestrictMember("d", "bob", "mute")) == "forbidden"


async def test_invalid_restrictions_are_refused(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    now = node.clock.now_ms
    for command in (
        RestrictMember("c", "nobody", "mute"),
        RestrictMember("c", "bob", "mute", now),
        RestrictMember("c", "bob", "mute", reason=""),
        RestrictMember("c", "bob", "mute", reason="x" * 501),
        RestrictMember("c", "b b", "mute"),
    ):
        assert await node.refusal(ALICE, command) == "invalid_request"


async def test_the_same_restriction_records_no_event_and_another_replaces_it(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    await node.do(ALICE, RestrictMember("c", "bob", "mute", reason="spam"))
    await node.do(ALICE, UnrestrictMember("c", "bob", "mute"))
    await node.do(ALICE, UnrestrictMember("c", "bob", "mute"))
    kinds = [type(event) for event in node.log if isinstance(event, MemberRestricted | MemberUnrestricted)]
    assert kinds == [MemberRestricted, MemberRestricted, MemberUnrestricted]


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_moderators_see_whom_they_keep_out_page_by_page(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    names = [f"user{number}" for number in range(5)]
    await node.do(BACKEND, AddMembers("c", tuple(names)))
    for name in names:
        await node.do(ALICE, RestrictMember("c", name, "ban"))
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    found: list[str] = []
    cursor = None
    while True:
        page = await node.do(ALICE, ListRestrictions("c", "ban", node.clock.now_ms, cursor, 2))
        found += [restriction.user_id for restriction in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == names
    assert await _listed(node, "mute") == ["bob"]
    for actor, conversation_id in ((BOB, "c"), (MALLORY, "c"), (ALICE, "none"), (MALLORY, "none")):
        query = ListRestrictions(conversation_id, "ban", node.clock.now_ms)
        assert await node.refusal(actor, query) == "forbidden"


async def test_expired_restrictions_are_not_listed(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(ALICE, RestrictMember("c", "bob", "mute", node.clock.now_ms + 1000))
    await node.do(ALICE, RestrictMember("c", "carol", "mute", node.clock.now_ms + 2000))
    node.clock.now_ms += 1000
    assert await _listed(node, "mute") == ["carol"]


async def test_a_muted_member_learns_it_from_the_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    until_ms = node.clock.now_ms + 60_000
    restriction = await node.do(ALICE, RestrictMember("c", "bob", "mute", until_ms, "Too loud"))

    async def mutes_of(actor: Actor) -> list[Restriction | None]:
        listed = await node.do(actor, ListConversations())
        views = [await node.do(actor, GetConversation("c")), *listed.items]
        return [view.mute for view in views]

    assert await mutes_of(BOB) == [restriction, restriction]
    assert await mutes_of(ALICE) == [None, None]
    assert (await node.do(BOB, CreateConversation("direct", ("carol",)))).mute is None
    node.clock.now_ms = until_ms
    assert await mutes_of(BOB) == [None, None, None]


async def test_a_muted_member_who_becomes_the_owner_is_not_muted(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    assert (await node.do(BOB, GetConversation("c"))).mute is not None
    assert await node.refusal(BOB, FindCallees("c", 5)) == "muted"
    await node.do(ALICE, UpdateMember("c", "bob", "owner"))
    assert (await node.do(BOB, GetConversation("c"))).mute is None
    await node.send(BOB, "mine now")
    assert (await node.do(BOB, FindCallees("c", 5))).member_ids


@pytest.mark.parametrize("kind", ["mute", "ban"])
async def test_a_restriction_that_ends_by_itself_is_over_for_everybody(node: Node, kind: RestrictionKind) -> None:
    await node.group("c", ALICE, BOB)
    until_ms = node.clock.now_ms + 1000
    await node.do(ALICE, RestrictMember("c", "bob", kind, until_ms, "spam"))
    node.clock.now_ms = until_ms - 1
    await node.fire()
    assert await _listed(node, kind) == ["bob"]
    node.clock.now_ms = until_ms
    await node.fire()
    ends = [event for event in node.log if isinstance(event, MemberUnrestricted)]
    assert [(end.restriction.user_id, end.restriction.kind, end.at_ms) for end in ends] == [("bob", kind, until_ms)]
    with node.database.engine() as engine, engine.connect() as connection:
        assert not connection.execute(select(restrictions)).all()
        assert not connection.execute(select(members).where(members.c.muted_until_ms != 0)).all()
    acts = await node.do(OPERATOR, ListAudit())
    assert [entry.action for entry in acts.items] == ["mute" if kind == "mute" else "conversation-ban"]


async def test_a_restriction_that_was_prolonged_or_has_no_end_any_more_does_not_end(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    now_ms = node.clock.now_ms
    await node.do(ALICE, RestrictMember("c", "bob", "mute", now_ms + 1000))
    await node.do(ALICE, RestrictMember("c", "carol", "mute", now_ms + 1000))
    await node.do(ALICE, RestrictMember("c", "bob", "mute", now_ms + 3000))
    await node.do(ALICE, RestrictMember("c", "carol", "mute"))
    node.clock.now_ms = now_ms + 2000
    await node.fire()
    assert await _listed(node, "mute") == ["bob", "carol"]
    assert await node.next_timer_ms() == now_ms + 3000
