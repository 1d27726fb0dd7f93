"""The statements that a transaction looks keys up with, built once for a database's dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CompoundSelect, Dialect, Select, bindparam, cast, func, or_, select

from talkwire.storage.messages.covered import covered_select
from talkwire.storage.messages.imports import is_imported
from talkwire.storage.messages.mention_rows import named_members
from talkwire.storage.messages.message_rows import message_select
from talkwire.storage.messages.reaction_rows import first_reactions, reaction_select
from talkwire.storage.messages.unread import unread_select
from talkwire.storage.schema import (
    blocks,
    conversations,
    log,
    logins,
    members,
    messages,
    notifications,
    preferences,
    reactions,
    restrictions,
    users,
)
from talkwire.storage.sql.keys import key_text, keys_table
from talkwire.storage.sql.prepared import PreparedReads
from talkwire.storage.tables.notification_settings import ListenerStatements
from talkwire.storage.tables.offline_queue import stretches_select
from talkwire.storage.tables.presence import PresenceStatements
from talkwire.storage.tables.sessions import SessionStatements
from talkwire.storage.tables.shared_conversations import sharing_select


class Lookups:
    """Each takes the parameter of `keys_parameter`; keys are arrays of texts."""

    __slots__ = (
        "blocks",
        "conversations",
        "count_own",
        "covered",
        "listeners",
        "log",
        "logins",
        "member_preferences",
        "members",
        "memberships",
        "messages",
        "named",
        "preferences",
        "prepared",
        "presence",
        "reactions",
        "restrictions",
        "sent_messages",
        "sessions",
        "sharing",
        "stretches",
        "unread",
        "unread_notifications",
        "users",
    )

    def __init__(self, dialect: Dialect) -> None:
        self.prepared = PreparedReads(dialect)
        keys = keys_table(dialect)
        first, second, third = (key_text(keys, index) for index in range(3))
        number = cast(first, BigInteger)
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
            select(
                members.c.user_id,
                members.c.conversation_id,
                members.c.history_seq,
                members.c.history_pos,
                conversations.c.kind,
                conversations.c.member_count,
            )
            .select_from(keys)
            .join(members, members.c.user_id == first)
            .join(conversations, conversations.c.id == members.c.conversation_id)
        )
        self.preferences: Select[Any] = (
            select(preferences).select_from(keys).join(preferences, preferences.c.user_id == first)
        )
        self.member_preferences: Select[Any] = (
            select(members.c.user_id, members.c.conversation_id, members.c.muted, members.c.notify, members.c.sound)
            .select_from(keys)
            .join(members, members.c.user_id == first)
            .where(or_(members.c.muted, members.c.notify.is_not(None), members.c.sound.is_not(None)))
        )
        self.logins: Select[Any] = (
            select(logins.c.user_id, logins.c.id).select_from(keys).join(logins, logins.c.user_id == first)
        )
        self.blocks: Select[Any] = (
            select(blocks.c.user_id, blocks.c.blocked_id).select_from(keys).join(blocks, blocks.c.user_id == first)
        )
        self.presence = PresenceStatements(dialect)
        self.sessions = SessionStatements(dialect)
        self.restrictions: Select[Any] = (
            select(restrictions)
            .select_from(keys)
            .join(restrictions, (restrictions.c.conversation_id == first) & (restrictions.c.user_id == second))
        )
        self.messages: Select[Any] = message_select.join(keys, messages.c.id == number)
        self.log: Select[Any] = select(log).select_from(keys).join(log, log.c.pos == number).order_by(log.c.pos)
        self.unread: Select[Any] = unread_select(
            select()
            .select_from(keys)
            .join(members, (members.c.conversation_id == first) & (members.c.user_id == second))
        )
        self.sent_messages: Select[Any] = message_select.join(
            keys,
            (messages.c.conversation_id == first)
            & (messages.c.sender_id == second)
            & (messages.c.client_message_id == third),
        )
        self.reactions: Select[Any] = first_reactions(
            reaction_select.select_from(keys).join(reactions, reactions.c.message_id == number)
        )
        self.named: CompoundSelect[Any] = named_members(keys, first, second)
        self.covered = covered_select(dialect)
        self.stretches = stretches_select(dialect)
        self.sharing: Select[Any] = sharing_select(keys)
        self.listeners = ListenerStatements(dialect)
        self.unread_notifications: Select[Any] = (
            select(notifications.c.conversation_id, notifications.c.user_id, notifications.c.id)
            .select_from(keys)
            .join(notifications, (notifications.c.conversation_id == first) & (notifications.c.user_id == second))
            .where(notifications.c.read_ms.is_(None), notifications.c.message_id.is_not(None))
            .order_by(notifications.c.id)
        )
        self.count_own: Select[Any] = (
            select(func.count())
            .select_from(messages)
            .where(
                messages.c.conversation_id == bindparam("conversation_id"),
                messages.c.seq > bindparam("after_seq"),
                messages.c.seq <= bindparam("up_to_seq"),
                messages.c.sender_id == bindparam("user_id"),
                ~is_imported(),
            )
        )
