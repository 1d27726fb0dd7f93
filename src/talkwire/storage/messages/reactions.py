"""Reads the reactions (emojis) to messages: for each emoji, how many users gave it and which were the first. The emoji
that was used first comes first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from talkwire.core.domain.model import REACTION_USERS_MAX, Reaction
from talkwire.storage.schema import reactions
from talkwire.storage.sql.keys import KEYS, key_number, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow

_one_emoji = (reactions.c.message_id, reactions.c.emoji)

_ranked: Select[Any] = select(
    reactions.c.message_id,
    reactions.c.emoji,
    reactions.c.user_id,
    reactions.c.pos,
    func.row_number().over(partition_by=_one_emoji, order_by=reactions.c.pos).label("rank"),
    func.count().over(partition_by=_one_emoji).label("total"),
    func.min(reactions.c.pos).over(partition_by=_one_emoji).label("since_pos"),
)


def _first(chosen: Select[Any]) -> Select[Any]:
    """Limits a query with the columns of `_ranked` to the reactions that clients see: those of the first
    REACTION_USERS_MAX users for each message and emoji. The emoji that was used first comes first."""
    ranked = chosen.subquery()
    return (
        select(ranked)
        .where(ranked.c.rank <= REACTION_USERS_MAX)
        .order_by(ranked.c.message_id, ranked.c.since_pos, ranked.c.pos)
    )


def _grouped(rows: Iterable[AnyRow]) -> dict[int, list[Reaction]]:
    """Groups rows of reactions into message id -> one `Reaction` for each emoji, in the order of the rows."""
    users_of: dict[tuple[int, str], tuple[int, list[str]]] = {}
    for row in rows:
        users_of.setdefault((row.message_id, row.emoji), (row.total, []))[1].append(row.user_id)
    found: dict[int, list[Reaction]] = {}
    for (message_id, emoji), (total, user_ids) in users_of.items():
        found.setdefault(message_id, []).append(Reaction(emoji, total, tuple(user_ids)))
    return found


_of_messages = _first(_ranked.select_from(KEYS).join(reactions, reactions.c.message_id == key_number(0)))


def read_reactions(connection: Connection, message_ids: Collection[int]) -> Mapping[int, Sequence[Reaction]]:
    """Returns message id -> reactions, one for each emoji in the order of their first use; messages without reactions
    are missing."""
    return _grouped(connection.execute(_of_messages, keys_parameter([(str(id_),) for id_ in message_ids])))


class ReactionReads(Reads):
    """The methods of `core.ports.stores.MessageParts` that read reactions. `MessagePartRows` inherits them."""

    def has_reacted(self, message_id: int, user_id: str, emoji: str) -> bool:
        given = select(reactions.c.pos).where(
            reactions.c.message_id == message_id, reactions.c.user_id == user_id, reactions.c.emoji == emoji
        )
        return self._connection.execute(given).first() is not None

    def reactions_without(self, message_id: int, user_id: str, emoji: str) -> Sequence[Reaction]:
        others = (reactions.c.user_id != user_id) | (reactions.c.emoji != emoji)
        statement = _first(_ranked.where(reactions.c.message_id == message_id, others))
        return _grouped(self._connection.execute(statement)).get(message_id, [])
