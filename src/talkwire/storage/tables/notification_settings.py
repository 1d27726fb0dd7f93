"""What a transaction reads of members in order to decide whether they are notified."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Select, exists, select

from talkwire.storage.schema import blocks, members, preferences, presence
from talkwire.storage.sql.keys import key_text, keys_table


class ListenerStatements:
    """Select members with all that decides whether they are notified. Both take the parameter of `keys_parameter`."""

    __slots__ = ("named", "whole")

    def __init__(self, dialect: Dialect) -> None:
        keys = keys_table(dialect)
        conversation_id, actor_id, user_id = (key_text(keys, index) for index in range(3))
        of_actor = exists().where(blocks.c.user_id == members.c.user_id, blocks.c.blocked_id == actor_id)
        listeners = (
            select(members, actor_id.label("actor_id"), preferences.c.data, presence.c.status)
            .add_columns(of_actor.label("blocks_actor"))
            .select_from(keys)
            .join(members, members.c.conversation_id == conversation_id)
            .outerjoin(preferences, preferences.c.user_id == members.c.user_id)
            .outerjoin(presence, presence.c.user_id == members.c.user_id)
        )
        self.whole: Select[Any] = listeners
        """By (conversation id, actor id): all members."""
        self.named: Select[Any] = listeners.where(members.c.user_id == user_id)
        """By (conversation id, actor id, user id): this member."""
