"""Reactions, counted: of each emoji how many gave it and who were the first, the oldest emoji first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, select

from talkwire.core.domain.model import REACTION_USERS_MAX, Reaction
from talkwire.storage.schema import reactions
from talkwire.storage.tables.rows import AnyRow

_one_emoji = (reactions.c.message_id, reactions.c.emoji)

reaction_select: Select[Any] = select(
    reactions.c.message_id,
    reactions.c.emoji,
    reactions.c.user_id,
    reactions.c.pos,
    func.row_number().over(partition_by=_one_emoji, order_by=reactions.c.pos).label("rank"),
    func.count().over(partition_by=_one_emoji).label("total"),
    func.min(reactions.c.pos).over(partition_by=_one_emoji).label("since_pos"),
)
"""To be narrowed to some messages, then given to `first_reactions`."""


def first_reactions(chosen: Select[Any]) -> Select[Any]:
    """Rows for `group_reactions`."""
    ranked = chosen.subquery()
    return (
        select(ranked)
        .where(ranked.c.rank <= REACTION_USERS_MAX)
        .order_by(ranked.c.message_id, ranked.c.since_pos, ranked.c.pos)
    )


def group_reactions(rows: Iterable[AnyRow]) -> dict[int, list[Reaction]]:
    """By message: first come, first shown."""
    users_of: dict[tuple[int, str], tuple[int, list[str]]] = {}
    for row in rows:
        users_of.setdefault((row.message_id, row.emoji), (row.total, []))[1].append(row.user_id)
    found: dict[int, list[Reaction]] = {}
    for (message_id, emoji), (total, user_ids) in users_of.items():
        found.setdefault(message_id, []).append(Reaction(emoji, total, tuple(user_ids)))
    return found
