"""Which users share a conversation, and users by their names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, TableValuedAlias, bindparam, func, select, tuple_

from talkwire.storage.schema import conversations, members, users
from talkwire.storage.sql.keys import key_text

_LAST_CHARACTER = "\U0010ffff"

_own, _other = members.alias("own"), members.alias("other")
_together = _own.join(_other, _other.c.conversation_id == _own.c.conversation_id)
_of_user = _own.c.user_id == bindparam("user_id")

reach: Select[Any] = (
    select(func.coalesce(func.sum(conversations.c.member_count), 0))
    .select_from(members.join(conversations, conversations.c.id == members.c.conversation_id))
    .where(members.c.user_id == bindparam("user_id"))
)
"""How many members all conversations of a user have, each counted as often as it is in one."""

contact_ids: Select[Any] = select(_other.c.user_id).distinct().select_from(_together).where(_of_user)
"""Everybody who shares a conversation with a user."""


def sharing_select(keys: TableValuedAlias) -> Select[Any]:
    """Those of the keys who share a conversation with a user."""
    return (
        select(_other.c.user_id)
        .distinct()
        .select_from(keys)
        .join(_other, _other.c.user_id == key_text(keys, 0))
        .join(_own, _own.c.conversation_id == _other.c.conversation_id)
        .where(_of_user)
    )


def named_select(found: Select[Any], folded_prefix: str, after: tuple[str, str] | None, limit: int) -> Select[Any]:
    """Narrows a selection from `users` to names that begin so, in their order, behind a place in it."""
    order = (users.c.folded_name, users.c.id)
    if folded_prefix:
        last = f"{folded_prefix}{_LAST_CHARACTER}"
        found = found.where(users.c.folded_name >= folded_prefix, users.c.folded_name <= last)
    if after is not None:
        found = found.where(tuple_(*order) > after)
    return found.order_by(*order).limit(limit)
