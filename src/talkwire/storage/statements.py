"""The statements that a transaction looks keys up with, built once for a database's dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Select, select

from talkwire.storage.keys import key_text, keys_table
from talkwire.storage.rows import message_select
from talkwire.storage.schema import conversations, logins, members, messages, users


class Lookups:
    """Each takes the parameter of `keys_parameter`; keys are arrays of texts."""

    __slots__ = ("conversations", "logins", "members", "memberships", "sent_messages", "users")

    def __init__(self, dialect: Dialect) -> None:
        keys = keys_table(dialect)
        first, second, third = (key_text(keys, index) for index in range(3))
        self.users: Select[Any] = select(users).select_from(keys).join(users, users.c.id == first)
        self.conversations: Select[Any] = (
            select(conversations).select_from(keys).join(conversations, conversations.c.id == first)
        )
        self.members: Select[Any] = (
            select(members)
            .select_from(keys)
            .join(members, (members.c.conversation_id == first) & (members.c.user_id == second))
        )
        self.memberships: Select[Any] = (
            select(members.c.user_id, members.c.conversation_id)
            .select_from(keys)
            .join(members, members.c.user_id == first)
        )
        self.logins: Select[Any] = (
            select(logins.c.user_id, logins.c.id).select_from(keys).join(logins, logins.c.user_id == first)
        )
        self.sent_messages: Select[Any] = message_select.join(
            keys,
            (messages.c.conversation_id == first)
            & (messages.c.sender_id == second)
            & (messages.c.client_message_id == third),
        )
