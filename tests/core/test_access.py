from __future__ import annotations

import pytest

from talkwire.core.access import acting_as, may_act, may_change_members, may_take_part, must_operate
from talkwire.core.errors import ChatError
from talkwire.core.model import Actor, ActorRole, Conversation, ConversationKind, Member, MemberRole, User

ALICE = Actor("alice", "Alice")
SERVICE = Actor("backend", "Backend", role="service")
ADMIN = Actor("operator", "Operator", role="admin")


def _user(*, banned: bool = False) -> User:
    return User("alice", "Alice", 0, banned=banned)


def _member(role: MemberRole = "member") -> Member:
    return Member("c", "alice", role, 0)


def _conversation(kind: ConversationKind = "group") -> Conversation:
    return Conversation("c", kind, None, None, 2, 0, 0, 0)


def _code(refusal: ChatError | None) -> str | None:
    return None if refusal is None else refusal.code


@pytest.mark.parametrize("actor", [ALICE, SERVICE, ADMIN])
def test_everyone_acts_for_themselves(actor: Actor) -> None:
    assert acting_as(actor, None) == actor.user_id
    assert acting_as(actor, actor.user_id) == actor.user_id


def test_only_the_backend_acts_for_others() -> None:
    assert acting_as(SERVICE, "bob") == "bob"
    for actor in (ALICE, ADMIN):
        with pytest.raises(ChatError) as refused:
            acting_as(actor, "bob")
        assert refused.value.code == "forbidden"


@pytest.mark.parametrize(
    ("user", "member", "code"),
    [
        (_user(), _member(), None),
        (_user(), None, "forbidden"),
        (None, None, "forbidden"),
        (_user(banned=True), _member(), "banned"),
        (_user(banned=True), None, "banned"),
    ],
)
def test_members_take_part_unless_they_are_banned(user: User | None, member: Member | None, code: str | None) -> None:
    assert _code(may_take_part(user, member)) == code


def test_a_banned_user_does_nothing() -> None:
    assert _code(may_act(_user(banned=True))) == "banned"
    assert may_act(_user()) is None
    assert may_act(None) is None


@pytest.mark.parametrize(
    ("role", "member", "code"),
    [
        ("user", _member("owner"), None),
        ("user", _member("admin"), None),
        ("user", _member("member"), "forbidden"),
        ("user", None, "forbidden"),
        ("service", None, None),
        ("admin", None, None),
        ("admin", _member("member"), None),
    ],
)
def test_owners_admins_the_backend_and_operators_change_a_groups_members(
    role: ActorRole, member: Member | None, code: str | None
) -> None:
    assert _code(may_change_members(Actor("alice", "Alice", role), _conversation(), member)) == code


@pytest.mark.parametrize("actor", [ALICE, SERVICE, ADMIN])
def test_nobody_changes_who_is_in_a_direct_conversation_or_in_none(actor: Actor) -> None:
    assert _code(may_change_members(actor, _conversation("direct"), _member("owner"))) == "forbidden"
    assert _code(may_change_members(actor, None, None)) == "forbidden"


def test_only_operators_operate() -> None:
    must_operate(ADMIN)
    for actor in (ALICE, SERVICE):
        with pytest.raises(ChatError) as refused:
            must_operate(actor)
        assert refused.value.code == "forbidden"
