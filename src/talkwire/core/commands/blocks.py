"""Of whom a user does not want to hear."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import User


class BlockUser(Change[None], frozen=True, tag="BlockUser"):
    user_id: str


class UnblockUser(Change[None], frozen=True, tag="UnblockUser"):
    user_id: str


class IsBlocked(Query[bool], frozen=True, tag="IsBlocked"):
    """Whether one of a direct conversation's two members has blocked the other. Says nothing to strangers: it is asked
    for members only."""

    conversation_id: str


class ListBlocked(Query[Page[User]], frozen=True, tag="ListBlocked"):
    """Whom the actor has blocked, by id."""

    cursor: str | None = None
    limit: int = 50
