"""Commands with which moderators mute members and ban users in a conversation."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Restriction, RestrictionKind


class RestrictMember(Change[Restriction], frozen=True, tag="RestrictMember"):
    """Mutes a user in a conversation or bans the user from it, replacing an earlier restriction of the same kind, and
    returns the restriction. A ban also removes the member. Without `until_ms`, the restriction lasts until it is
    removed.

    Raises `forbidden` unless the actor may restrict this user (`may_restrict` and `may_ban` in
    `core/domain/access.py`).
    """

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
    """Lists the mutes or the bans of a conversation that are active at `now_ms` (milliseconds since 1970), in the order
    of user ids. Only for the conversation's owner and admins, the application's backend and operators."""

    conversation_id: str
    kind: RestrictionKind
    now_ms: int
    cursor: str | None = None
    limit: int = 50
