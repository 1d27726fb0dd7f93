"""Commands with which users block others, i.e. receive nothing from them any more."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import User


class BlockUser(Change[None], frozen=True, tag="BlockUser"):
    user_id: str


class UnblockUser(Change[None], frozen=True, tag="UnblockUser"):
    user_id: str


class IsBlocked(Query[bool], frozen=True, tag="IsBlocked"):
    """Returns whether one of the two members of a direct conversation has blocked the other.

    It does not check the actor's rights: callers must send it for members only.
    """

    conversation_id: str


class ListBlocked(Query[Page[User]], frozen=True, tag="ListBlocked"):
    """Lists the users whom the actor has blocked, in the order of their ids. Of a user whom the actor may not see, only
    the id is returned."""

    cursor: str | None = None
    limit: int = 50
