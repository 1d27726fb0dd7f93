"""The operations with which the owner and the admins of a conversation mute and ban users in it."""

from __future__ import annotations

from collections.abc import Iterator

from talkwire.core.clock import now_ms
from talkwire.core.commands.moderation.restrictions import ListRestrictions, RestrictMember, UnrestrictMember
from talkwire.core.domain.model import Restriction, RestrictionKind
from talkwire.operations.operation import One, Operation, Paged
from talkwire.operations.shapes import Moment, Shape
from talkwire.payloads.moderation.restrictions import RestrictionPayload, restriction_payload

_TAG = "moderation"

_RESTRICT = Shape(
    "RestrictBody",
    "The reason for a mute or a ban in a conversation, and when it ends. Without `until`, it lasts until a moderator "
    "ends it.",
    times=Moment,
)


def _restriction(restriction: Restriction) -> RestrictionPayload:
    return restriction_payload(restriction, for_moderators=True)


def _restrictions(kind: RestrictionKind, done: str, from_: str) -> Iterator[Operation]:
    """Yields the operations of one kind of restriction: a user is `done` (muted or banned) in or `from_` a
    conversation."""
    path = f"/conversations/{{conversation_id}}/{kind}s"
    yield Operation(
        ListRestrictions,
        route=f"GET {path}",
        tag=_TAG,
        operation_id=f"list{kind.title()}s",
        summary=f"List the users who are {done} {from_} a conversation",
        answer=Paged(_restriction),
        fixed={"kind": kind, "now_ms": now_ms},
    )
    yield Operation(
        RestrictMember,
        route=f"PUT {path}/{{user_id}}",
        tag=_TAG,
        operation_id=f"{kind}Member",
        summary=f"{kind.title()} a user {from_} a conversation",
        answer=One(_restriction),
        fixed={"kind": kind},
        body=_RESTRICT,
        body_optional=True,
    )
    yield Operation(
        UnrestrictMember,
        route=f"DELETE {path}/{{user_id}}",
        tag=_TAG,
        operation_id=f"un{kind}Member",
        summary=f"Un{kind} a user {from_} a conversation",
        fixed={"kind": kind},
    )


OPERATIONS = (*_restrictions("mute", "muted", "in"), *_restrictions("ban", "banned", "from"))
