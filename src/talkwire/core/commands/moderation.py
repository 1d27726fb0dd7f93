"""What moderators ask for: whom they mute in a conversation and whom they ban from it."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Restriction, RestrictionKind


class RestrictMember(Change[Restriction], frozen=True, tag="RestrictMember"):
    """Takes the place of an earlier one of the same kind. Without `until_ms` it ends when it is lifted."""

    conversation_id: str
    user_id: str
    kind: RestrictionKind
    until_ms: int | None = None
    reason: str | None = None


class UnrestrictMember(Change[None], frozen=True, tag="UnrestrictMember"):
    conversation_id: str
    user_id: str
    kind: RestrictionKind


class ListRestrictions(Query[Page[Restriction]], frozen=True, tag="ListRestrictions"):
    """Those of one kind that have not ended by `now_ms`, by user id."""

    conversation_id: str
    kind: RestrictionKind
    now_ms: int
    cursor: str | None = None
    limit: int = 50
