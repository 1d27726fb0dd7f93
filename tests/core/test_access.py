from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from talkwire.core.domain.access import (
    acting_as,
    may_act,
    may_ban,
    may_create,
    may_delete,
    may_give_role,
    may_join,
    may_manage,
    may_post,
    may_remove,
    may_restrict,
    may_see_offer,
    may_take_part,
    message_for_reader,
    messages_for_reader,
    must_be_operator,
)
from talkwire.core.domain.access_policy import AccessPolicy, rights_of
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import (
    FOR_EVER_MS,
    WHOLE,
    Actor,
    ActorRole,
    Conversation,
    ConversationKind,
    HistoryStart,
    Member,
    MemberRole,
    Message,
    Quote,
    User,
)

ALICE = Actor("alice", "Alice")
SERVICE = Actor("backend", "Backend", role="service")
ADMIN = Actor("operator", "Operator", role="admin")


def _user(*, banned: bool = False) -> User:
    return User("alice", "Alice", 0, banned=banned)


def _member(role: MemberRole = "member") -> Member:
    return Member("c", "alice", role, 0)


def _conversation(kind: ConversationKind = "group") -> Conversation:
    return Conversation("c", kind, None, None if kind == "direct" else "owner", 2, 0, 0, 0)


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
@pytest.mark.parametrize("kind", ["group", "channel"])
def test_owners_admins_the_backend_and_operators_manage_a_conversation(
    kind: ConversationKind, role: ActorRole, member: Member | None, code: str | None
) -> None:
    assert _code(may_manage(Actor("alice", "Alice", role), _conversation(kind), member)) == code


@pytest.mark.parametrize("actor", [ALICE, SERVICE, ADMIN])
def test_a_direct_or_missing_conversation_cannot_be_managed(actor: Actor) -> None:
    assert _code(may_manage(actor, _conversation("direct"), _member("owner"))) == "forbidden"
    assert _code(may_manage(actor, None, None)) == "forbidden"


def test_a_refusal_does_not_reveal_the_kind_of_conversation_to_strangers() -> None:
    refusals = [
        rule(ALICE, conversation, None)
        for rule in (may_manage, partial(may_delete, policy=AccessPolicy()))
        for conversation in (None, _conversation("direct"), _conversation("group"))
    ]
    assert len({str(refusal) for refusal in refusals}) == 1


@pytest.mark.parametrize(
    ("kind", "role", "member", "code"),
    [
        ("group", "user", _member("owner"), None),
        ("group", "user", _member("admin"), "forbidden"),
        ("channel", "user", _member("member"), "forbidden"),
        ("channel", "user", None, "forbidden"),
        ("direct", "user", _member("member"), "forbidden"),
        ("direct", "service", None, None),
        ("group", "service", None, None),
        ("group", "admin", None, None),
    ],
)
def test_owners_the_backend_and_operators_delete_a_conversation(
    kind: ConversationKind, role: ActorRole, member: Member | None, code: str | None
) -> None:
    actor = Actor("alice", "Alice", role)
    assert _code(may_delete(actor, _conversation(kind), member, AccessPolicy())) == code
    # If only the backend and operators may delete, no owner may.
    by_service = AccessPolicy(delete_conversation="service")
    assert _code(may_delete(actor, _conversation(kind), member, by_service)) == (
        "forbidden" if role == "user" else code
    )


@pytest.mark.parametrize("kind", ["direct", "group", "channel"])
def test_users_create_what_the_policy_lets_them(kind: ConversationKind) -> None:
    creators: dict[str, Any] = {f"create_{kind}": "service"}
    for_service = AccessPolicy(**creators)
    kinds: tuple[ConversationKind, ...] = ("direct", "group", "channel")
    for each in kinds:
        assert may_create(ALICE, each, AccessPolicy()) is None
        assert _code(may_create(ALICE, each, for_service)) == ("forbidden" if each == kind else None)
        for actor in (SERVICE, ADMIN):
            assert may_create(actor, each, for_service) is None
    everything = rights_of(ADMIN, for_service)
    assert rights_of(ALICE, for_service) == dataclasses.replace(everything, **{f"create_{kind}": False})


@pytest.mark.parametrize(
    ("kind", "public", "user_ids", "joins"),
    [
        ("channel", True, ("alice",), True),
        ("channel", True, ("alice", "alice"), True),
        ("channel", True, ("alice", "bob"), False),
        ("channel", True, ("bob",), False),
        ("channel", False, ("alice",), False),
        ("group", True, ("alice",), True),
        ("group", True, ("alice", "bob"), False),
        ("group", False, ("alice",), False),
        ("direct", False, ("alice",), False),
    ],
)
def test_a_public_conversation_is_joined_by_oneself_alone(
    *, kind: ConversationKind, public: bool, user_ids: tuple[str, ...], joins: bool
) -> None:
    assert may_join(ALICE, replace(_conversation(kind), public=public), user_ids) is joins
    assert not may_join(ALICE, None, user_ids)


_BOB = {role: Member("c", "bob", role, 0) for role in ("owner", "admin", "member")}


@pytest.mark.parametrize(
    ("actor_role", "role", "target_role", "code"),
    [
        ("user", "owner", "admin", None),
        ("user", "owner", "member", None),
        ("user", "owner", None, "forbidden"),
        ("user", "admin", "member", None),
        ("user", "admin", "admin", "forbidden"),
        ("user", "admin", "owner", "forbidden"),
        ("user", "member", "member", "forbidden"),
        ("user", None, "member", "forbidden"),
        ("service", None, "owner", None),
        ("service", None, None, None),
        ("admin", None, "admin", None),
    ],
)
def test_an_owner_removes_anybody_and_an_admin_ordinary_members(
    actor_role: ActorRole, role: MemberRole | None, target_role: MemberRole | None, code: str | None
) -> None:
    member = None if role is None else _member(role)
    target = None if target_role is None else _BOB[target_role]
    assert _code(may_remove(Actor("alice", "Alice", actor_role), _conversation(), member, target)) == code


@pytest.mark.parametrize("rule", [may_remove, may_ban])
@pytest.mark.parametrize("kind", ["group", "channel"])
def test_only_the_backend_and_operators_take_members_out_where_nobody_owns(rule: Any, kind: ConversationKind) -> None:  # noqa: ANN401 (one of two rules)
    ownerless = replace(_conversation(kind), owner_id=None)
    for role in ("admin", "member"):
        assert _code(rule(ALICE, ownerless, _member(role), _BOB["member"])) == "forbidden"
    for actor in (SERVICE, ADMIN):
        assert rule(actor, ownerless, None, _BOB["admin"]) is None
    assert may_remove(ALICE, ownerless, _member("member"), _member("member")) is None
    assert may_restrict(ALICE, ownerless, _member("admin"), _BOB["member"]) is None
    assert may_manage(ALICE, ownerless, _member("admin")) is None


@pytest.mark.parametrize(("kind", "code"), [("group", None), ("channel", None), ("direct", "forbidden")])
@pytest.mark.parametrize("role", ["owner", "admin", "member"])
def test_members_can_leave_groups_and_channels_but_no_direct_conversation(
    kind: ConversationKind, role: MemberRole, code: str | None
) -> None:
    assert _code(may_remove(ALICE, _conversation(kind), _member(role), _member(role))) == code


@pytest.mark.parametrize(
    ("actor_role", "role", "target_role", "to", "code"),
    [
        ("user", "owner", "member", "admin", None),
        ("user", "owner", "admin", "member", None),
        ("user", "owner", "admin", "owner", None),
        ("user", "owner", None, "admin", "forbidden"),
        ("user", "admin", "member", "admin", "forbidden"),
        ("user", "admin", "admin", "member", "forbidden"),
        ("user", "admin", "owner", "member", "forbidden"),
        ("user", "admin", "member", "owner", "forbidden"),
        ("user", "member", "member", "member", "forbidden"),
        ("user", None, "member", "admin", "forbidden"),
        ("service", None, "member", "owner", None),
        ("service", None, "owner", "member", "invalid_request"),
        ("service", None, None, "member", "not_found"),
        ("admin", None, "admin", "member", None),
    ],
)
def test_roles_are_the_owners_to_give(
    actor_role: ActorRole, role: MemberRole | None, target_role: MemberRole | None, to: MemberRole, code: str | None
) -> None:
    member = None if role is None else _member(role)
    target = None if target_role is None else _BOB[target_role]
    assert _code(may_give_role(Actor("alice", "Alice", actor_role), _conversation(), member, target, to)) == code


@pytest.mark.parametrize(
    ("role", "to", "code"),
    [
        ("admin", "member", None),
        ("admin", "owner", "forbidden"),
        ("owner", "admin", "invalid_request"),
        ("owner", "member", "invalid_request"),
        ("owner", "owner", None),
        ("member", "admin", "forbidden"),
    ],
)
def test_an_admin_may_step_down_and_an_owner_transfer_ownership(
    role: MemberRole, to: MemberRole, code: str | None
) -> None:
    assert _code(may_give_role(ALICE, _conversation(), _member(role), _member(role), to)) == code


@pytest.mark.parametrize(
    ("actor_role", "role", "target_role", "code"),
    [
        ("user", "owner", "admin", None),
        ("user", "owner", "member", None),
        ("user", "owner", None, None),
        ("user", "admin", "member", None),
        ("user", "admin", None, None),
        ("user", "admin", "admin", "forbidden"),
        ("user", "admin", "owner", "forbidden"),
        ("user", "member", "member", "forbidden"),
        ("user", None, "member", "forbidden"),
        ("service", None, "admin", None),
        ("service", None, "owner", "forbidden"),
        ("admin", None, "owner", "forbidden"),
    ],
)
def test_moderators_restrict_those_below_them(
    actor_role: ActorRole, role: MemberRole | None, target_role: MemberRole | None, code: str | None
) -> None:
    member = None if role is None else _member(role)
    target = None if target_role is None else _BOB[target_role]
    assert _code(may_restrict(Actor("alice", "Alice", actor_role), _conversation(), member, target)) == code


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
def test_users_cannot_restrict_themselves(role: MemberRole) -> None:
    assert _code(may_restrict(ALICE, _conversation(), _member(role), _member(role))) == "forbidden"


@pytest.mark.parametrize(
    ("kind", "role", "code"),
    [
        ("direct", "member", None),
        ("group", "member", None),
        ("channel", "member", "forbidden"),
        ("channel", "admin", None),
        ("channel", "owner", None),
    ],
)
def test_in_a_channel_only_owner_and_admins_post(kind: ConversationKind, role: MemberRole, code: str | None) -> None:
    assert _code(may_post(_conversation(kind), _member(role), 0)) == code


def test_posting_in_a_direct_conversation_with_a_block_is_refused() -> None:
    assert _code(may_post(replace(_conversation("direct"), blocked=True), _member(), 0)) == "blocked"


@pytest.mark.parametrize(
    ("until_ms", "role", "now_ms", "code"),
    [
        (1000, "member", 999, "muted"),
        (1000, "member", 1000, None),
        (1000, "admin", 999, "muted"),
        (1000, "owner", 999, None),
        (FOR_EVER_MS, "member", 10**15, "muted"),
    ],
)
def test_a_muted_member_cannot_post_until_the_mute_ends(
    until_ms: int, role: MemberRole, now_ms: int, code: str | None
) -> None:
    assert _code(may_post(_conversation(), replace(_member(role), muted_until_ms=until_ms), now_ms)) == code


@pytest.mark.parametrize(("until_ms", "until"), [(1500, "1970-01-01T00:00:01.500Z"), (FOR_EVER_MS, None)])
def test_a_muted_member_learns_when_the_mute_ends(until_ms: int, until: str | None) -> None:
    refusal = may_post(_conversation(), replace(_member(), muted_until_ms=until_ms), 0)
    assert refusal is not None
    assert refusal.details == {"until": until}


@pytest.mark.parametrize(
    ("slow_mode_s", "role", "now_ms", "wait_ms"),
    [
        (10, "member", 5_000, 10_000),
        (10, "member", 14_999, 1),
        (10, "member", 15_000, None),
        (10, "admin", 5_001, None),
        (10, "owner", 5_001, None),
        (0, "member", 5_000, None),
    ],
)
def test_slow_mode_has_ordinary_members_wait_between_messages(
    slow_mode_s: int, role: MemberRole, now_ms: int, wait_ms: int | None
) -> None:
    conversation = replace(_conversation(), slow_mode_s=slow_mode_s)
    refusal = may_post(conversation, replace(_member(role), last_sent_ms=5_000), now_ms)
    assert _code(refusal) == (None if wait_ms is None else "rate_limited")
    assert wait_ms is None or (refusal is not None and refusal.details == {"retryAfterMs": wait_ms})


def _message(seq: int, quoted_seq: int | None = None) -> Message:
    quote = None if quoted_seq is None else Quote(quoted_seq, "bob", "a secret", quoted_seq)
    return Message(seq, "c", seq, "bob", "Bob", "text", 0, reply_to=quote)


@pytest.mark.parametrize(
    ("message", "history", "seen", "quotes"),
    [
        (_message(1), WHOLE, True, False),
        (_message(2, 1), WHOLE, True, True),
        (_message(2, 0), WHOLE, True, True),
        (_message(5), HistoryStart(5), False, False),
        (_message(6), HistoryStart(5), True, False),
        (_message(7, 6), HistoryStart(5), True, True),
        (_message(7, 5), HistoryStart(5), True, False),
        (_message(7, 0), HistoryStart(5), True, False),
    ],
)
def test_a_reader_sees_messages_and_quotes_within_their_history(
    message: Message, history: HistoryStart, *, seen: bool, quotes: bool
) -> None:
    found = message_for_reader(message, history)
    assert (found is not None) is seen
    assert (found is not None and found.reply_to is not None) is quotes
    assert messages_for_reader([message, message], history) == ([] if found is None else [found, found])
    if found is not None:
        assert replace(found, reply_to=message.reply_to) == message


def test_only_members_at_its_creation_see_an_offer() -> None:
    made_at = id_at(40)
    assert may_see_offer(made_at, WHOLE)
    assert may_see_offer(made_at, HistoryStart(7, 39))
    assert not may_see_offer(made_at, HistoryStart(7, 40))
    assert not may_see_offer(made_at, HistoryStart(0, 40))


def test_only_operators_pass_must_be_operator() -> None:
    must_be_operator(ADMIN)
    for actor in (ALICE, SERVICE):
        with pytest.raises(ChatError) as refused:
            must_be_operator(actor)
        assert refused.value.code == "forbidden"
