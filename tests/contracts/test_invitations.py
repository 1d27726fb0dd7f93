"""Invitations: creating, accepting, limits and refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkwire.bus.memory import Exchange
from talkwire.core.commands.accounts import (
    BanUser,
    ChangePassword,
    EraseUser,
    HasAdmin,
    Login,
    OpenLogin,
    RegisterAccount,
    RotateLogin,
    UnbanUser,
)
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation
from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreatedInvitation,
    CreateInvitation,
    DeleteInvitation,
    EnsureFirstInvitation,
    ListInvitations,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import InvitationCreated, InvitationDeleted, InvitationUsed, MemberAdded
from talkwire.core.domain.model import Actor, Invitation, User
from talkwire.core.features.conversations.invitations import FIRST_INVITATION_VALID_MS, INVITATIONS_KEPT_MS
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

ANYONE = Actor("", "")
HOUR_MS = 3_600_000


async def _invite(node: Node, actor: Actor = ALICE, *conversation_ids: str, **limits: int) -> CreatedInvitation:
    created = await node.do(actor, CreateInvitation(conversation_ids or ("c",), **limits))
    assert isinstance(created, CreatedInvitation)
    return created


async def _listed(node: Node, actor: Actor, conversation_id: str | None = None) -> list[Invitation]:
    """Returns the invitations in an actor's list that can be used."""
    items = (await node.do(actor, ListInvitations(conversation_id=conversation_id))).items
    return [each.invitation for each in items if not each.suspended]


async def _suspended(node: Node, actor: Actor) -> list[str]:
    """Returns the ids of the listed invitations that nobody can use while their creators may not invite."""
    return [each.invitation.id for each in (await node.do(actor, ListInvitations())).items if each.suspended]


async def _refused(node: Node, actor: Actor, code: str) -> str:
    """Returns the code and message with which accepting is refused."""
    with pytest.raises(ChatError) as refused:
        await node.do(actor, AcceptInvitation(code))
    return f"{refused.value.code}: {refused.value.message}"


def _register(email: str, code: str | None = None) -> RegisterAccount:
    return RegisterAccount(email, email.partition("@")[0].title(), "hash", invitation=code)


# --- joining --------------------------------------------------------------------------------------------------------


async def test_a_user_joins_by_an_invitation_as_by_themselves(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    created = await _invite(node)
    assert await node.do(BOB, AcceptInvitation(created.code)) == ("c",)
    assert await node.roles("c") == {"alice": "owner", "bob": "member"}
    joined = next(event for event in node.log if isinstance(event, MemberAdded))
    assert (joined.conversation_id, [member.user_id for member in joined.members], joined.by) == ("c", ["bob"], "bob")
    used = node.log[-1]
    assert isinstance(used, InvitationUsed)
    assert (used.invitation_id, used.user_id) == (created.invitation.id, "bob")


async def test_a_retry_uses_nothing_up(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    created = await _invite(node, max_uses=1)
    for _ in range(3):
        assert await node.do(BOB, AcceptInvitation(created.code)) == ("c",)
    assert await node.do(ALICE, AcceptInvitation(created.code)) == ("c",)
    assert [invitation.uses for invitation in await _listed(node, ALICE)] == [1]


async def test_rejoining_counts_as_another_use(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    created = await _invite(node, max_uses=1)
    await node.do(BOB, AcceptInvitation(created.code))
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert (await _refused(node, BOB, created.code)).startswith("forbidden: The invitation has been used up.")


async def test_the_backend_invites_to_several_conversations_or_to_none(node: Node) -> None:
    await node.group("c", ALICE)
    await node.group("d", ALICE)
    await node.users(BOB)
    several = await _invite(node, BACKEND, "c", "d", "c")
    assert await node.do(BOB, AcceptInvitation(several.code)) == ("c", "d")
    assert "bob" in await node.roles("d")
    none = await node.do(OPERATOR, CreateInvitation())
    assert await node.do(BOB, AcceptInvitation(none.code)) == ()
    assert [(each.creator_id, each.creator_role) for each in await _listed(node, BACKEND)] == [
        ("operator", "admin"),
        ("", "service"),
    ]


async def test_a_deleted_conversation_is_skipped_unless_it_was_the_last(node: Node) -> None:
    await node.group("c", ALICE)
    await node.group("d", ALICE)
    await node.users(BOB)
    created = await _invite(node, BACKEND, "c", "d")
    await node.do(ALICE, DeleteConversation("c"))
    assert await node.do(BOB, AcceptInvitation(created.code)) == ("d",)
    await node.do(ALICE, DeleteConversation("d"))
    gone = "forbidden: The conversation of this invitation was deleted."
    assert await _refused(node, BOB, created.code) == gone
    assert await node.refusal(ANYONE, _register("ann@example.com", created.code)) == "forbidden"


async def test_an_invited_members_history_follows_the_conversations_setting(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", history="from-join", owner_id="alice"))
    await node.send(ALICE, "before")
    await node.users(BOB)
    created = await _invite(node)
    await node.do(BOB, AcceptInvitation(created.code))
    joined = next(event for event in node.log if isinstance(event, MemberAdded))
    assert joined.members[0].history_seq == 1


# --- registering ----------------------------------------------------------------------------------------------------


async def test_a_new_account_joins_the_conversations_of_its_invitation(node: Node) -> None:
    await node.group("c", ALICE)
    created = await _invite(node, max_uses=1)
    user = await node.do(ANYONE, _register("ann@example.com", created.code))
    assert isinstance(user, User)
    assert user.id in await node.roles("c")
    assert await node.refusal(ANYONE, _register("ben@example.com", created.code)) == "forbidden"
    assert await node.do(Actor(user.id, "Ann"), AcceptInvitation(created.code)) == ("c",)


async def test_an_unusable_invitation_registers_nobody_and_reveals_no_address(node: Node) -> None:
    await node.group("c", ALICE)
    await node.do(ANYONE, _register("ann@example.com"))
    expired = await _invite(node, expires_ms=node.clock.now_ms + 1)
    node.clock.now_ms += 1
    for code in ("", "unknown", "\x00\ud800", expired.code):
        assert await node.refusal(ANYONE, _register("ann@example.com", code)) == "forbidden", code
        assert await node.refusal(ANYONE, _register("ben@example.com", code)) == "forbidden", code
    good = await _invite(node, max_uses=1)
    assert await node.refusal(ANYONE, _register("ann@example.com", good.code)) == "conflict"
    await node.do(ANYONE, _register("ben@example.com", good.code))


# --- counting -------------------------------------------------------------------------------------------------------


async def test_only_one_user_gets_the_last_use_of_an_invitation(database: Database, clock: Clock) -> None:
    nodes = 1 if database.kind == "sqlite" else 2
    exchange = Exchange()
    async with running(database, clock, exchange if nodes > 1 else None) as one:
        if nodes > 1:
            async with running(database, clock, exchange) as other:
                await _race(one, other)
        else:
            await _race(one, one)


async def _race(one: Node, other: Node) -> None:
    racers = [Actor(f"racer{number}", "Racer") for number in range(12)]
    await one.group("c", ALICE)
    await one.users(*racers)
    created = await _invite(one, max_uses=3)
    accept = AcceptInvitation(created.code)
    asked = [(one if number % 2 else other).ask(racer, accept) for number, racer in enumerate(racers)]
    outcomes: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["ChatError"] * 9 + ["tuple"] * 3
    assert len(await one.roles("c")) == 4
    assert [invitation.uses for invitation in await _listed(one, ALICE)] == [3]


async def test_in_one_batch_too(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB, CAROL)
    created = await _invite(node, max_uses=1)
    accept = AcceptInvitation(created.code)
    outcomes = await node.in_one_batch((BOB, accept), (CAROL, accept), (BOB, accept))
    assert [type(outcome) for outcome in outcomes] == [tuple, ChatError, tuple]


# --- refusals -------------------------------------------------------------------------------------------------------


async def test_an_invitation_expires(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB, CAROL)
    created = await _invite(node, expires_ms=node.clock.now_ms + HOUR_MS)
    node.clock.now_ms += HOUR_MS - 1
    await node.do(BOB, AcceptInvitation(created.code))
    node.clock.now_ms += 1
    assert (await _refused(node, CAROL, created.code)).startswith("forbidden: The invitation has expired.")
    assert await node.do(BOB, AcceptInvitation(created.code)) == ("c",)


async def test_a_ban_refuses_invitations_too(node: Node) -> None:
    await node.group("c", ALICE)
    await node.users(BOB)
    created = await _invite(node)
    await node.do(ALICE, RestrictMember("c", "bob", "ban"))
    assert await _refused(node, BOB, created.code) == "banned: You are banned from this conversation."
    await node.do(ALICE, UnrestrictMember("c", "bob", "ban"))
    await node.do(OPERATOR, BanUser("bob"))
    assert await _refused(node, BOB, created.code) == "banned: This user is banned."
    assert [invitation.uses for invitation in await _listed(node, ALICE)] == [0]


async def test_a_ban_from_one_of_several_conversations_joins_none(node: Node) -> None:
    await node.group("c", ALICE)
    await node.group("d", ALICE)
    await node.users(BOB)
    created = await _invite(node, BACKEND, "c", "d")
    await node.do(ALICE, RestrictMember("d", "bob", "ban"))
    assert (await _refused(node, BOB, created.code)).startswith("banned")
    assert "bob" not in await node.roles("c")


async def test_an_invitation_is_good_while_its_creator_may_invite(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    created = await _invite(node, BOB)
    no_more = "forbidden: The creator of this invitation may no longer invite."
    await node.do(ALICE, UpdateMember("c", "bob", "member"))
    assert (await _refused(node, CAROL, created.code)).startswith(no_more)
    assert await _suspended(node, OPERATOR) == [created.invitation.id]
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    assert await _suspended(node, OPERATOR) == []
    await node.do(OPERATOR, BanUser("bob"))
    assert (await _refused(node, CAROL, created.code)).startswith(no_more)
    await node.do(OPERATOR, UnbanUser("bob"))
    assert await node.do(CAROL, AcceptInvitation(created.code)) == ("c",)
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(ANYONE, _register("ann@example.com", created.code)) == "forbidden"


async def test_an_unknown_invitation_is_not_found(node: Node) -> None:
    await node.users(BOB)
    assert await _refused(node, BOB, "unknown") == "not_found: There is no such invitation."
    assert await _refused(node, BOB, "\x00\ud800") == "not_found: There is no such invitation."
    assert (await _refused(node, BACKEND, "unknown")).startswith("forbidden")


# --- who may ----------------------------------------------------------------------------------------------------------


async def test_members_who_may_add_members_may_invite(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.group("d", ALICE)
    await node.users(MALLORY)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    to_c, to_both, to_none = CreateInvitation(("c",)), CreateInvitation(("c", "d")), CreateInvitation()
    for actor, command, code in (
        (CAROL, to_c, "forbidden"),
        (MALLORY, to_c, "forbidden"),
        (ALICE, to_both, "forbidden"),
        (ALICE, to_none, "forbidden"),
        (BACKEND, CreateInvitation(("nothing",)), "forbidden"),
    ):
        assert await node.refusal(actor, command) == code
    for actor in (ALICE, BOB, OPERATOR, BACKEND):
        await node.do(actor, to_c)


async def test_an_invitation_to_a_direct_conversation_is_refused(node: Node) -> None:
    await node.users(ALICE, BOB)
    direct = (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.id
    assert await node.refusal(ALICE, CreateInvitation((direct,))) == "forbidden"
    assert await node.refusal(BACKEND, CreateInvitation((direct,))) == "invalid_request"


@pytest.mark.parametrize(
    "command",
    [
        CreateInvitation(("c",), max_uses=0),
        CreateInvitation(("c",), max_uses=100_001),
        CreateInvitation(("c",), expires_ms=1),
        CreateInvitation(("c",), expires_ms=1_700_000_000_000),
        CreateInvitation(("c",), expires_ms=2**60),
        CreateInvitation(("a b",)),
        CreateInvitation(tuple(map(str, range(101)))),
    ],
)
async def test_limits_that_are_no_limits_are_refused(node: Node, command: CreateInvitation) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, command) == "invalid_request"


async def test_creators_list_and_delete_their_own_invitations_and_operators_all(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    alices, bobs = await _invite(node, ALICE), await _invite(node, BOB)
    assert await _listed(node, ALICE) == [alices.invitation]
    assert await _listed(node, OPERATOR) == await _listed(node, BACKEND) == [bobs.invitation, alices.invitation]
    await node.do(ALICE, UpdateMember("c", "bob", "member"))
    assert await node.refusal(BOB, DeleteInvitation(alices.invitation.id)) == "forbidden"
    assert await node.refusal(ALICE, DeleteInvitation("nothing")) == "forbidden"
    assert await node.refusal(OPERATOR, DeleteInvitation("nothing")) == "not_found"
    await node.do(BOB, DeleteInvitation(bobs.invitation.id))
    await node.do(BACKEND, DeleteInvitation(alices.invitation.id))
    assert await _listed(node, OPERATOR) == []
    assert [event.by for event in node.log if isinstance(event, InvitationDeleted)] == ["bob", ""]
    await node.users(CAROL)
    assert (await _refused(node, CAROL, alices.code)).startswith("not_found")


async def test_those_who_manage_a_conversation_list_and_delete_its_invitations(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.group("d", CAROL)
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    bobs = (await _invite(node, BOB)).invitation
    both = (await node.do(BACKEND, CreateInvitation(("c", "d")))).invitation
    for actor, seen in ((ALICE, [bobs]), (BOB, [bobs]), (CAROL, []), (MALLORY, [])):
        assert await _listed(node, actor, "c") == seen
    for actor, refused in ((CAROL, bobs), (MALLORY, bobs), (ALICE, both), (CAROL, both)):
        assert await node.refusal(actor, DeleteInvitation(refused.id)) == "forbidden"
    await node.do(ALICE, DeleteInvitation(bobs.id))
    assert await _listed(node, BOB, "c") == []


async def test_invitations_come_page_by_page(node: Node) -> None:
    await node.group("c", ALICE)
    made = [(await _invite(node)).invitation.id for _ in range(5)]
    first = await node.do(ALICE, ListInvitations(limit=3))
    second = await node.do(ALICE, ListInvitations(first.next, 3))
    assert [each.invitation.id for each in (*first.items, *second.items)] == made[::-1]
    assert second.next is None


async def test_invitations_to_one_conversation_are_listed(node: Node) -> None:
    await node.users(MALLORY)
    await node.group("c", ALICE)
    await node.group("C", ALICE, BOB)
    await node.group("cc", ALICE)
    await node.do(ALICE, UpdateMember("C", "bob", "admin"))
    wanted = (await node.do(ALICE, CreateInvitation(("c",)))).invitation
    others = [(await node.do(ALICE, CreateInvitation((each,)))).invitation for each in ("C", "cc")]
    bobs = (await node.do(BOB, CreateInvitation(("C",)))).invitation
    both = (await node.do(BACKEND, CreateInvitation(("cc", "c")))).invitation
    assert await _listed(node, ALICE, "c") == [wanted]
    assert await _listed(node, ALICE, "C") == await _listed(node, OPERATOR, "C") == [bobs, others[0]]
    first = await node.do(BACKEND, ListInvitations(None, 1, "c"))
    assert [each.invitation for each in first.items] == [both]
    second = await node.do(BACKEND, ListInvitations(first.next, 1, "c"))
    assert ([each.invitation for each in second.items], second.next) == ([wanted], None)
    assert await _listed(node, MALLORY, "c") == []
    assert await node.refusal(ALICE, ListInvitations(conversation_id="")) == "invalid_request"


# --- keeping ----------------------------------------------------------------------------------------------------------


async def test_an_invitation_outlasts_its_node_and_its_code_is_nowhere(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE)
        await node.users(BOB)
        created = await _invite(node, max_uses=2, expires_ms=clock.now_ms + HOUR_MS)
        assert [event for event in await node.replay() if isinstance(event, InvitationCreated)] == [
            event for event in node.log if isinstance(event, InvitationCreated)
        ]
        assert created.code not in repr(node.log)
    async with running(database, clock) as node:
        assert await _listed(node, ALICE) == [created.invitation]
        assert await node.do(BOB, AcceptInvitation(created.code)) == ("c",)


async def test_invitations_that_expired_long_ago_are_deleted(node: Node) -> None:
    await node.group("c", ALICE)
    await _invite(node, expires_ms=node.clock.now_ms + 1)
    node.clock.now_ms += INVITATIONS_KEPT_MS + 2
    newest = await _invite(node)
    assert await _listed(node, ALICE) == [newest.invitation]


async def test_members_are_not_invited_by_adding_them(node: Node) -> None:
    """Adding members works as before: the user who adds is recorded, and mutes still apply."""
    await node.group("c", ALICE)
    await node.users(BOB)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    (member,) = (await node.do(ALICE, AddMembers("c", ("bob",)))).members
    assert member.muted_until_ms
    assert [event.by for event in node.log if isinstance(event, MemberAdded)] == ["alice"]


# --- the first admin ------------------------------------------------------------------------------------------------


async def _first(node: Node) -> CreatedInvitation:
    created = await node.do(OPERATOR, EnsureFirstInvitation())
    assert isinstance(created, CreatedInvitation)
    return created


async def _role(node: Node, user: User) -> str:
    login = await node.do(ANYONE, OpenLogin(user.id, f"first token of {user.id}", HOUR_MS))
    assert isinstance(login, Login)
    return login.role


async def test_the_first_admins_invitation_is_made_once_and_shown_again(node: Node) -> None:
    first, second = await node.in_one_batch((OPERATOR, EnsureFirstInvitation()), (OPERATOR, EnsureFirstInvitation()))
    assert isinstance(first, CreatedInvitation)
    assert first == second == await _first(node)
    assert [type(event) for event in node.log].count(InvitationCreated) == 1
    assert (first.invitation.max_uses, first.invitation.expires_ms) == (
        1,
        node.clock.now_ms + FIRST_INVITATION_VALID_MS,
    )
    for actor in (ALICE, BACKEND, ANYONE):
        assert await node.refusal(actor, EnsureFirstInvitation()) == "forbidden"
        assert await node.refusal(actor, HasAdmin()) == "forbidden"


async def test_one_account_becomes_admin_by_it_and_stays_admin(node: Node) -> None:
    created = await _first(node)
    assert await node.do(OPERATOR, HasAdmin()) is False
    ann = await node.do(ANYONE, _register("ann@example.com", created.code))
    assert await node.refusal(ANYONE, _register("bob@example.com", created.code)) == "forbidden"
    assert await node.do(OPERATOR, HasAdmin()) is True
    assert await node.do(OPERATOR, EnsureFirstInvitation()) is None
    assert await _listed(node, OPERATOR) == []
    await node.do(Actor(ann.id, "Ann"), ChangePassword("hash", "another hash"))
    login = await node.do(ANYONE, OpenLogin(ann.id, "a", HOUR_MS))
    renewed = await node.do(ANYONE, RotateLogin(login.session.id, "a", "b", HOUR_MS))
    assert (login.role, renewed.role) == ("admin", "admin")
    bob = await node.do(ANYONE, _register("bob@example.com"))
    assert await _role(node, bob) == "user"


async def test_two_who_register_with_it_at_once_make_one_admin(node: Node) -> None:
    code = (await _first(node)).code
    asked = [(ANYONE, _register(f"{name}@example.com", code)) for name in ("ann", "bob")]
    results = await node.in_one_batch(*asked)
    assert sorted(type(result).__name__ for result in results) == ["ChatError", "User"]


async def test_it_ends_when_an_admin_is_added_another_way(node: Node) -> None:
    created = await _first(node)
    root = await node.do(OPERATOR, RegisterAccount("root@example.com", "Root", "hash", role="admin"))
    assert await _role(node, root) == "admin"
    assert await node.refusal(ANYONE, _register("ann@example.com", created.code)) == "forbidden"
    assert await node.do(OPERATOR, EnsureFirstInvitation()) is None
    # Without an admin there is another one.
    await node.do(OPERATOR, EraseUser(root.id, redact=False))
    assert (await _first(node)).code != created.code


async def test_an_expired_or_deleted_one_is_replaced(node: Node) -> None:
    created = await _first(node)
    node.clock.now_ms += FIRST_INVITATION_VALID_MS
    assert await node.refusal(ANYONE, _register("ann@example.com", created.code)) == "forbidden"
    second = await _first(node)
    await node.do(OPERATOR, DeleteInvitation(second.invitation.id))
    third = await _first(node)
    assert len({created.code, second.code, third.code}) == 3
    assert [invitation.id for invitation in await _listed(node, OPERATOR)] == [third.invitation.id]


async def test_only_operators_give_roles_and_other_invitations_give_none(node: Node) -> None:
    for actor in (ANYONE, ALICE, BACKEND):
        command = RegisterAccount("ann@example.com", "Ann", "hash", role="admin")
        assert await node.refusal(actor, command) == "forbidden"
    await node.group("c", ALICE)
    ann = await node.do(ANYONE, _register("ann@example.com", (await _invite(node, BACKEND)).code))
    assert await _role(node, ann) == "user"
    # A signed-in user accepts it without any effect.
    created = await _first(node)
    await node.users(BOB)
    assert await node.do(BOB, AcceptInvitation(created.code)) == ()
    assert (await _first(node)).code == created.code
