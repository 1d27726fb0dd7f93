"""How much members have not read, from what the tables say at that moment.

    unread = newest seq - read position
             - own messages behind it - others' deleted messages behind it - imported messages behind it

Own and deleted messages are counted without those that were imported.

Each part is a column or the range of an index, so that the answer costs the same after ten messages and after a hundred
thousand. Only where somebody is whom the reader has blocked are the messages behind the read position looked through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select

from talkwire.core.commands.receipts import Unread
from talkwire.storage.messages.imports import imported_count, is_imported
from talkwire.storage.schema import EVERYONE, blocks, conversations, members, mentions, messages, spans, tombstones
from talkwire.storage.sql.keys import keys_parameter

_is_marked = members.c.marked_at_seq == members.c.read_seq
own_seq: ColumnElement[int] = case((_is_marked, members.c.marked_seq), else_=members.c.read_seq)
"""`Member.own_seq`."""
own_sent: ColumnElement[int] = case((_is_marked, members.c.marked_sent), else_=members.c.read_sent)
"""`Member.own_sent`."""


def unread_select(keyed_members: Select[Any]) -> Select[Any]:
    """Completes a selection from keys and `members`."""
    behind = members.c.conversation_id, own_seq
    deleted = (
        select(func.count())
        .select_from(tombstones)
        .where(
            tombstones.c.conversation_id == behind[0],
            tombstones.c.seq > behind[1],
            tombstones.c.sender_id != members.c.user_id,
        )
        .scalar_subquery()
    )
    mentioned = (
        select(func.count(mentions.c.seq.distinct()))
        .where(
            mentions.c.conversation_id == behind[0],
            mentions.c.user_id.in_([members.c.user_id, EVERYONE]),
            mentions.c.seq > behind[1],
            mentions.c.sender_id != members.c.user_id,
        )
        .scalar_subquery()
    )
    own = members.c.sent_count - own_sent
    imported = func.coalesce(imported_count(behind[0]), 0) - func.coalesce(imported_count(*behind), 0)
    return keyed_members.add_columns(
        members.c.conversation_id,
        members.c.user_id,
        (conversations.c.last_seq - own_seq - own - deleted - imported).label("unread"),
        mentioned.label("mentions"),
    ).join(conversations, conversations.c.id == members.c.conversation_id)


class UnreadRows:
    """Implements `core.ports.stores.Unreads`. `statement` is `Lookups.unread`."""

    def __init__(self, connection: Connection, statement: Select[Any]) -> None:
        self._connection = connection
        self._statement = statement

    def of(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Unread]:
        if not keys:
            return {}
        rows = self._connection.execute(self._statement, keys_parameter(keys))
        found = {(row.conversation_id, row.user_id): Unread(row.unread, row.mentions) for row in rows}
        return found | self._without_blocked(found)

    def _without_blocked(self, found: Mapping[tuple[str, str], Unread]) -> dict[tuple[str, str], Unread]:
        """Corrects the figures of those who have blocked somebody."""
        blocking = select(blocks.c.user_id).distinct().where(blocks.c.user_id.in_({user_id for _, user_id in found}))
        user_ids = set(self._connection.execute(blocking).scalars())
        if not user_ids:
            return {}
        keys = [key for key, unread in found.items() if key[1] in user_ids and unread.unread_count]
        return {key: self._corrected(key, found[key]) for key in keys if self._has_blocked_among_members(*key)}

    def _has_blocked_among_members(self, conversation_id: str, user_id: str) -> bool:
        """Whether there may be messages to look for: somebody whom the user has blocked is a member, or was one."""
        among = (
            select(spans.c.user_id)
            .join(blocks, blocks.c.blocked_id == spans.c.user_id)
            .where(blocks.c.user_id == user_id, spans.c.conversation_id == conversation_id)
        )
        return self._connection.execute(among.limit(1)).first() is not None

    def _corrected(self, key: tuple[str, str], unread: Unread) -> Unread:
        conversation_id, user_id = key
        position = (
            select(own_seq)
            .where(members.c.conversation_id == conversation_id, members.c.user_id == user_id)
            .scalar_subquery()
        )
        of_blocked = select(func.count()).where(
            messages.c.conversation_id == conversation_id,
            messages.c.seq > position,
            messages.c.sender_id.in_(_blocked_by(user_id)),
            messages.c.deleted_ms.is_(None),
            ~is_imported(),
        )
        return Unread(
            unread.unread_count - self._connection.execute(of_blocked).scalar_one(),
            self._mentions_behind(conversation_id, user_id, position),
        )

    def behind(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        """Returns what a member would not have read if their read position were `seq`, counted message by message."""
        of_others = select(func.count()).where(
            messages.c.conversation_id == conversation_id,
            messages.c.seq > seq,
            messages.c.sender_id != user_id,
            messages.c.sender_id.not_in(_blocked_by(user_id)),
            messages.c.deleted_ms.is_(None),
            ~is_imported(),
        )
        return Unread(
            self._connection.execute(of_others).scalar_one(),
            self._mentions_behind(conversation_id, user_id, literal(seq)),
        )

    def _mentions_behind(self, conversation_id: str, user_id: str, seq: ColumnElement[int]) -> int:
        mentioned = select(func.count(mentions.c.seq.distinct())).where(
            mentions.c.conversation_id == conversation_id,
            mentions.c.user_id.in_([user_id, EVERYONE]),
            mentions.c.seq > seq,
            mentions.c.sender_id != user_id,
            mentions.c.sender_id.not_in(_blocked_by(user_id)),
        )
        return self._connection.execute(mentioned).scalar_one()


def _blocked_by(user_id: str) -> Select[Any]:
    return select(blocks.c.blocked_id).where(blocks.c.user_id == user_id)
