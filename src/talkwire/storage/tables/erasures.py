"""Erasures of users: removes a user's rows when the erasure's event is applied, and stores which erasures are
unfinished.

Data that may be large, such as messages, is removed afterwards in steps (`messages/erasure.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from sqlalchemy import Column, Connection, Table, bindparam, delete, or_, select, update

from talkwire.core.commands.server.erasure import PendingErasure
from talkwire.core.domain.events import UserErased
from talkwire.core.domain.model import PLAIN_PREFERENCES
from talkwire.storage.schema import (
    accounts,
    answers,
    erasures,
    files,
    invitations,
    logins,
    mailbox,
    mailbox_cursors,
    members,
    preferences,
    presence,
    provider_identities,
    restrictions,
    saved_messages,
    thread_follows,
    uploads,
)
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.agents.places import forget_user as forget_agents_and_notes
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.members import change_member
from talkwire.storage.tables.moderation import audit, reports
from talkwire.storage.tables.projection import Projections
from talkwire.storage.tables.push_subscriptions import drop_subscriptions_of_user
from talkwire.storage.tables.users import end_blocks_of, find_users, write_user
from talkwire.storage.workspace import Workspace

_EMPTIED: Sequence[tuple[Table, Column[str]]] = (
    (accounts, accounts.c.user_id),
    (provider_identities, provider_identities.c.user_id),
    (logins, logins.c.user_id),
    (preferences, preferences.c.user_id),
    (saved_messages, saved_messages.c.user_id),
    (presence, presence.c.user_id),
    (mailbox, mailbox.c.user_id),
    (mailbox_cursors, mailbox_cursors.c.user_id),
    (answers, answers.c.user_id),
    (thread_follows, thread_follows.c.user_id),
    (invitations, invitations.c.creator_id),
)
"""The tables from which an erased user's rows are deleted, each with the column that has the user's id."""

_preferring = select(members.c.conversation_id).where(
    members.c.user_id == bindparam("user_id"),
    or_(
        members.c.muted,
        members.c.notify.is_not(None),
        members.c.sound.is_not(None),
        members.c.favourite,
        members.c.archived_seq.is_not(None),
        members.c.unmute_ms.is_not(None),
        members.c.section.is_not(None),
    ),
)

_begin = upsert(erasures)
_put = _begin.on_conflict_do_update(
    index_elements=[erasures.c.user_id],
    set_={name: _begin.excluded[name] for name in ("redact", "stage", "after_pos")},
)


def _erased(workspace: Workspace, event: UserErased) -> None:
    connection, user = workspace.connection, event.user
    replace_picture(connection, find_users(workspace, (user.id,))[user.id].avatar, event.at_ms, user.id)
    write_user(workspace, user)
    end_blocks_of(workspace, user.id)
    drop_subscriptions_of_user(connection, user.id)
    for table, column in _EMPTIED:
        connection.execute(delete(table).where(column == user.id))
    for conversation_id in connection.execute(_preferring, {"user_id": user.id}).scalars().all():
        change_member(workspace, conversation_id, user.id, **PLAIN_PREFERENCES)
    named = or_(restrictions.c.user_id == user.id, restrictions.c.by == user.id)
    connection.execute(update(restrictions).where(named, restrictions.c.reason.is_not(None)).values(reason=None))
    audit.forget_user(connection, user.id)
    forget_agents_and_notes(connection, user.id)
    reports.forget_user(connection, user.id)
    unfinished = uploads.c.owner_id == user.id, uploads.c.expires_ms > event.at_ms
    connection.execute(update(uploads).where(*unfinished).values(expires_ms=event.at_ms))
    connection.execute(update(files).where(files.c.owner_id == user.id).values(due_ms=event.at_ms))
    put_pending(connection, PendingErasure(user.id, event.redact, "texts" if event.redact else "log", 0))


def put_pending(connection: Connection, pending: PendingErasure) -> None:
    """Stores the progress of an unfinished erasure of a user, and replaces what was stored for that user."""
    values = {
        "user_id": pending.user_id,
        "redact": pending.redact,
        "stage": pending.stage,
        "after_pos": pending.after_pos,
    }
    connection.execute(_put, values)


def drop_pending(connection: Connection, user_id: str) -> None:
    connection.execute(delete(erasures).where(erasures.c.user_id == user_id))


def find_pending(connection: Connection, user_id: str | None = None) -> PendingErasure | None:
    """Returns the unfinished erasure of this user, or without `user_id` any unfinished one; None if there is none."""
    statement = select(erasures).order_by(erasures.c.user_id).limit(1)
    if user_id is not None:
        statement = statement.where(erasures.c.user_id == user_id)
    row: AnyRow | None = connection.execute(statement).one_or_none()
    return None if row is None else PendingErasure(row.user_id, bool(row.redact), row.stage, row.after_pos)


PROJECTIONS: Projections = MappingProxyType({UserErased: _erased})
