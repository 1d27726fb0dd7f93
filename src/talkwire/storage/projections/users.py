"""Users, their blocks and their bans."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from msgspec.structs import replace
from sqlalchemy import delete, insert, select, update

from talkwire.core.domain.events import (
    LoginEnded,
    LoginOpened,
    LoginRenewed,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserRenamed,
    UserUnbanned,
    UserUnblocked,
    UserUpdated,
)
from talkwire.core.domain.model import User
from talkwire.storage.projections.projection import Projections, nothing
from talkwire.storage.schema import blocks, conversations, users
from talkwire.storage.sql.keys import direct_key
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.rows import user_values
from talkwire.storage.workspace import Workspace


def _created(workspace: Workspace, event: UserCreated) -> None:
    workspace.stage_user(event.user)


def _renamed(workspace: Workspace, event: UserRenamed) -> None:
    _change(workspace, event.user_id, name=event.name)


def _updated(workspace: Workspace, event: UserUpdated) -> None:
    before = workspace.users((event.user.id,))[event.user.id].avatar
    if before != event.user.avatar:
        replace_picture(workspace.connection, before, event.at_ms)
    _write(workspace, event.user)


def _banned(workspace: Workspace, event: UserBanned) -> None:
    _change(workspace, event.user_id, banned=True)


def _unbanned(workspace: Workspace, event: UserUnbanned) -> None:
    _change(workspace, event.user_id, banned=False)


def _change(workspace: Workspace, user_id: str, **changes: Any) -> None:  # noqa: ANN401 (fields of a user)
    _write(workspace, replace(workspace.users((user_id,))[user_id], **changes))


def _write(workspace: Workspace, user: User) -> None:
    workspace.write_users()
    workspace.put_user(user)
    workspace.forget_sender(user.id)
    workspace.connection.execute(update(users).where(users.c.id == user.id).values(**user_values(user)))


def _blocked(workspace: Workspace, event: UserBlocked) -> None:
    values = {"user_id": event.user_id, "blocked_id": event.blocked_id}
    workspace.connection.execute(insert(blocks), values)
    _mark_direct(workspace, event.user_id, event.blocked_id, blocked=True)


def _unblocked(workspace: Workspace, event: UserUnblocked) -> None:
    workspace.connection.execute(
        delete(blocks).where(blocks.c.user_id == event.user_id, blocks.c.blocked_id == event.blocked_id)
    )
    back = select(blocks.c.user_id).where(blocks.c.user_id == event.blocked_id, blocks.c.blocked_id == event.user_id)
    other_way = workspace.connection.execute(back).first() is not None
    _mark_direct(workspace, event.user_id, event.blocked_id, blocked=other_way)


def _mark_direct(workspace: Workspace, user_id: str, other_id: str, *, blocked: bool) -> None:
    key = direct_key(user_id, other_id)
    row = workspace.connection.execute(select(conversations.c.id).where(conversations.c.direct_key == key)).first()
    if row is not None:
        workspace.change_conversation(row.id, blocked=blocked)


PROJECTIONS: Projections = MappingProxyType(
    {
        UserCreated: _created,
        UserRenamed: _renamed,
        UserUpdated: _updated,
        UserBanned: _banned,
        UserUnbanned: _unbanned,
        UserBlocked: _blocked,
        UserUnblocked: _unblocked,
        LoginOpened: nothing,
        LoginRenewed: nothing,
        LoginEnded: nothing,
    }
)
