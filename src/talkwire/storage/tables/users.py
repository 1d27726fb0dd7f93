"""The tables of users and of blocks (which users have blocked which)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from talkwire.core.commands.server.timers import BAN_TIMER
from talkwire.core.domain.events import (
    HoldChanged,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserRenamed,
    UserUnbanned,
    UserUnblocked,
    UserUpdated,
)
from talkwire.core.domain.model import User
from talkwire.core.domain.search.name_search import NameKey, NamePage, found_part, search_name
from talkwire.storage.schema import blocks, conversations, members, users
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.agents.places import became_agent, drop_open_turns
from talkwire.storage.tables.conversations import change_conversation, direct_conversation_id, prune_apart
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.names import USER_NAMES, Condition, add_names, change_name, ids_found, of_name, starts_with
from talkwire.storage.tables.projection import Projections
from talkwire.storage.tables.push_subscriptions import drop_subscriptions_of_user
from talkwire.storage.tables.timers import set_timer
from talkwire.storage.workspace import Changes, Workspace

# --- rows and values --------------------------------------------------------------------------------------------------


def to_user(row: AnyRow) -> User:
    """Builds a `User` from a row of the table."""
    return User(
        id=row.id,
        name=row.name,
        created_ms=row.created_ms,
        email=row.email,
        banned=bool(row.banned),
        avatar=row.avatar,
        text=row.text,
        metadata=from_json(row.metadata),
        named=bool(row.named),
        erased=row.erased,
        hold=bool(row.hold),
        read_receipts=bool(row.read_receipts),
        handle=row.handle,
        ban_reason=row.ban_reason,
        ban_until_ms=row.ban_until_ms,
        backend=bool(row.backend),
        kind=row.kind,
        owner_id=row.owner_id,
    )


def _values(user: User) -> dict[str, object]:
    names = {"folded_name": user.name.casefold(), "search_name": search_name(user.name)}
    return asdict(user) | names | {"metadata": to_json(user.metadata)}


# --- statements -------------------------------------------------------------------------------------------------------

_user = PreparedStatement(select(users).where(users.c.id == bindparam("id")))
_users: Select[Any] = select(users).select_from(KEYS).join(users, users.c.id == key_text(0))
_blocked_ids: Select[Any] = (
    select(blocks.c.user_id, blocks.c.blocked_id).select_from(KEYS).join(blocks, blocks.c.user_id == key_text(0))
)

_OFFERED = users.c.banned.is_(False), users.c.backend.is_(False)
"""Conditions under which searches offer a user to others, as in `User.is_offered`."""

_own, _other = members.alias("own"), members.alias("other")
_together = _own.join(_other, _other.c.conversation_id == _own.c.conversation_id)
_of_user = _own.c.user_id == bindparam("user_id")

_reach: Select[Any] = (
    select(func.coalesce(func.sum(conversations.c.member_count), 0))
    .select_from(members.join(conversations, conversations.c.id == members.c.conversation_id))
    .where(members.c.user_id == bindparam("user_id"))
)
"""Statement that counts the members of all conversations of a user. A member of several of them is counted several
times."""

_contact_names: Select[Any] = select(users.c.id, users.c.search_name).where(
    users.c.id.in_(select(_other.c.user_id).select_from(_together).where(_of_user, _other.c.own)), *_OFFERED
)
"""Statement that selects the ids and folded names of the users that share a conversation with a user and are offered to
others."""

_sharing: Select[Any] = (
    select(_other.c.user_id)
    .distinct()
    .select_from(KEYS)
    .join(_other, _other.c.user_id == key_text(0))
    .join(_own, _own.c.conversation_id == _other.c.conversation_id)
    .where(_of_user, _other.c.own)
)
"""Statement that selects those users of the keys that are in a conversation of a user in their own right."""

# --- reading ----------------------------------------------------------------------------------------------------------


class UserReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read users and blocks. `TableSnapshot` inherits them."""

    def user(self, user_id: str) -> User | None:
        return next(map(to_user, _user.rows(self._connection, id=user_id)), None)

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        return read_users(self._connection, user_ids)

    def users_after(self, cursor: str | None, limit: int) -> Sequence[User]:
        statement = select(users).order_by(users.c.id).limit(limit)
        if cursor is not None:
            statement = statement.where(users.c.id > cursor)
        return [to_user(row) for row in self._connection.execute(statement)]

    def users_with_handles(self, prefix: str, limit: int) -> Sequence[User]:
        found = select(users).where(starts_with(users.c.handle, prefix)).order_by(users.c.handle).limit(limit)
        return [to_user(row) for row in self._connection.execute(found)]

    def users_named(self, folded_text: str, after: NameKey | None, limit: int, *, only_offered: bool) -> NamePage[User]:
        return users_by_name(self._connection, folded_text, after, limit, _OFFERED if only_offered else ())

    def contacts_named(
        self, user_id: str, reach_max: int, folded_text: str, after: NameKey | None, limit: int
    ) -> NamePage[User] | None:
        if self._connection.execute(_reach, {"user_id": user_id}).scalar_one() > reach_max:
            return None
        names = self._connection.execute(_contact_names, {"user_id": user_id})
        parts = ((found_part(folded_name, folded_text), id_) for id_, folded_name in names)
        keys = sorted(NameKey(part, id_) for part, id_ in parts if part is not None)
        keys = keys[0 if after is None else bisect_right(keys, after) :]
        found = self.users([key.id for key in keys[:limit]])
        return NamePage([found[key.id] for key in keys[:limit]], keys[limit - 1] if len(keys) > limit else None)

    def sharing_with(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        others = keys_parameter([(other_id,) for other_id in other_ids])
        return set(self._connection.execute(_sharing, {"user_id": user_id, **others}).scalars())

    def blocked_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return blocked_ids_of(self._connection, user_ids)

    def blockers_of(self, user_id: str) -> frozenset[str]:
        return _blockers_of(self._connection, user_id)

    def blocked_by(self, user_id: str, after_id: str | None, limit: int) -> Sequence[User]:
        blocked = select(users).join(blocks, blocks.c.blocked_id == users.c.id).where(blocks.c.user_id == user_id)
        if after_id is not None:
            blocked = blocked.where(users.c.id > after_id)
        return [to_user(row) for row in self._connection.execute(blocked.order_by(users.c.id).limit(limit))]


def read_users(connection: Connection, user_ids: Collection[str]) -> Mapping[str, User]:
    """Returns user id -> user; unknown ids are missing."""
    rows = connection.execute(_users, keys_parameter([(key,) for key in user_ids]))
    return {row.id: to_user(row) for row in rows}


def blocked_ids_of(connection: Connection, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Returns user id -> the ids of the users that this user has blocked; users who have blocked nobody are missing."""
    return ids_by_user(connection, _blocked_ids, user_ids)


def ids_by_user(
    connection: Connection, statement: Select[Any], user_ids: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """Runs a query for rows (user id, other id) with these user ids as keys, and groups them as user id ->
    other ids."""
    found: dict[str, set[str]] = {}
    for user_id, id_ in connection.execute(statement, keys_parameter([(user_id,) for user_id in user_ids])):
        found.setdefault(user_id, set()).add(id_)
    return {user_id: frozenset(ids) for user_id, ids in found.items()}


def users_by_name(
    connection: Connection,
    folded_text: str,
    after: NameKey | None,
    limit: int,
    conditions: Sequence[Condition],
) -> NamePage[User]:
    """Returns a page of at most `limit` users that a folded text finds by their names (`of_name`) and that meet the SQL
    conditions. `after` is the key at which the page before ended, None for the first page."""
    queries = of_name(users.c.search_name, USER_NAMES, folded_text, after, conditions)
    ids, next_ = ids_found(connection, queries, folded_text, limit)
    found = read_users(connection, ids)
    return NamePage([found[id_] for id_ in ids], next_)


# --- in a transaction -------------------------------------------------------------------------------------------------


class UserLookups(Changes):
    """The methods of `core.ports.transaction.Transaction` that look up users and blocks, with the transaction's
    uncommitted changes. `BatchTransaction` inherits them."""

    def user(self, user_id: str) -> User | None:
        workspace = self._workspace
        found = workspace.users.get(user_id) or workspace.view.users.get(user_id)
        return found or find_users(workspace, (user_id,)).get(user_id)

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        return find_users(self._workspace, user_ids)

    def user_with_handle(self, handle: str) -> User | None:
        write_new_users(self._workspace)
        found = self._workspace.connection.execute(select(users.c.id).where(users.c.handle == handle))
        user_id = found.scalar_one_or_none()
        return None if user_id is None else self.user(user_id)

    def agents_of(self, owner_id: str) -> Sequence[str]:
        write_new_users(self._workspace)
        found = select(users.c.id).where(users.c.owner_id == owner_id)
        return self._workspace.connection.execute(found).scalars().all()

    def has_blocked(self, user_id: str, other_id: str) -> bool:
        found = select(blocks.c.user_id).where(blocks.c.user_id == user_id, blocks.c.blocked_id == other_id)
        return self._workspace.connection.execute(found).first() is not None

    def blockers_of(self, user_id: str) -> frozenset[str]:
        return _blockers_of(self._workspace.connection, user_id)


def _blockers_of(connection: Connection, user_id: str) -> frozenset[str]:
    blockers = select(blocks.c.user_id).where(blocks.c.blocked_id == user_id)
    return frozenset(connection.execute(blockers).scalars())


def find_users(workspace: Workspace, user_ids: Collection[str]) -> Mapping[str, User]:
    """Returns user id -> user with this transaction's changes; unknown ids are missing. Users that are in no cache are
    read from the database into the writer's cache, once a transaction if they do not exist."""
    changed, known, absent = workspace.users, workspace.view.users, workspace.absent_users
    missing = [each for each in user_ids if each not in known and each not in changed and each not in absent]
    if missing:
        known.update(read_users(workspace.connection, missing))
        absent.update([user_id for user_id in missing if user_id not in known])
    found = ((user_id, changed.get(user_id) or known.get(user_id)) for user_id in user_ids)
    return {user_id: user for user_id, user in found if user is not None}


def write_new_users(workspace: Workspace) -> None:
    """Writes the users that `UserCreated` events have staged. Call it before a statement that looks for users in the
    database."""
    if workspace.new_users:
        workspace.connection.execute(insert(users), [_values(user) for user in workspace.new_users])
        add_names(workspace.connection, USER_NAMES, [(user.id, user.name) for user in workspace.new_users])
        workspace.new_users = []


# --- events -----------------------------------------------------------------------------------------------------------


def _created(workspace: Workspace, event: UserCreated) -> None:
    """Applies a `UserCreated` event: stages the user, so that thousands that the application's backend creates at once
    are written by one statement."""
    workspace.users[event.user.id] = event.user
    workspace.new_users.append(event.user)


def _renamed(workspace: Workspace, event: UserRenamed) -> None:
    change_user(workspace, event.user_id, name=event.name)


def _updated(workspace: Workspace, event: UserUpdated) -> None:
    before = find_users(workspace, (event.user.id,))[event.user.id]
    if before.avatar != event.user.avatar:
        replace_picture(workspace.connection, before.avatar, event.at_ms, event.user.id)
    write_user(workspace, event.user)
    if before.kind != event.user.kind:
        if event.user.kind == "agent":
            became_agent(workspace, event.user.id)
        else:
            drop_open_turns(workspace.connection, event.user.id)


def _held(workspace: Workspace, event: HoldChanged) -> None:
    if event.user_id:
        change_user(workspace, event.user_id, hold=event.hold)
    else:
        change_conversation(workspace, event.conversation_id, hold=event.hold)
        prune_apart(workspace.connection, event.conversation_id)


def _banned(workspace: Workspace, event: UserBanned) -> None:
    change_user(workspace, event.user_id, banned=True, ban_reason=event.reason, ban_until_ms=event.until_ms)
    set_timer(workspace, BAN_TIMER, event.user_id, event.until_ms)
    drop_subscriptions_of_user(workspace.connection, event.user_id)


def _unbanned(workspace: Workspace, event: UserUnbanned) -> None:
    change_user(workspace, event.user_id, banned=False, ban_reason=None, ban_until_ms=None)
    set_timer(workspace, BAN_TIMER, event.user_id, None)


def change_user(workspace: Workspace, user_id: str, **changes: Any) -> None:  # noqa: ANN401 (fields of a user)
    """Changes fields of an existing user, in the database and for later commands of the transaction."""
    write_user(workspace, replace(find_users(workspace, (user_id,))[user_id], **changes))


def write_user(workspace: Workspace, user: User) -> None:
    """Writes a changed user to the database, and makes later commands of the transaction see the change."""
    write_new_users(workspace)
    name = find_users(workspace, (user.id,))[user.id].name
    change_name(workspace.connection, USER_NAMES, user.id, name, user.name)
    workspace.users[user.id] = user
    workspace.forget_sender(user.id)
    workspace.connection.execute(update(users).where(users.c.id == user.id).values(**_values(user)))


def _blocked(workspace: Workspace, event: UserBlocked) -> None:
    values = {"user_id": event.user_id, "blocked_id": event.blocked_id}
    workspace.connection.execute(insert(blocks), values)
    _mark_direct(workspace, event.user_id, event.blocked_id, blocked=True)


def _unblocked(workspace: Workspace, event: UserUnblocked) -> None:
    _end_block(workspace, event.user_id, event.blocked_id)


def end_blocks_of(workspace: Workspace, user_id: str) -> None:
    """Removes all blocks that a user has put on other users."""
    for blocked_id in blocked_ids_of(workspace.connection, (user_id,)).get(user_id, ()):
        _end_block(workspace, user_id, blocked_id)


def _end_block(workspace: Workspace, user_id: str, blocked_id: str) -> None:
    workspace.connection.execute(delete(blocks).where(blocks.c.user_id == user_id, blocks.c.blocked_id == blocked_id))
    back = select(blocks.c.user_id).where(blocks.c.user_id == blocked_id, blocks.c.blocked_id == user_id)
    other_way = workspace.connection.execute(back).first() is not None
    _mark_direct(workspace, user_id, blocked_id, blocked=other_way)


def _mark_direct(workspace: Workspace, user_id: str, other_id: str, *, blocked: bool) -> None:
    """Stores in the direct conversation of two users, if they have one, whether one of them has blocked the other
    (`blocked`)."""
    conversation_id = direct_conversation_id(workspace.connection, user_id, other_id)
    if conversation_id is not None:
        change_conversation(workspace, conversation_id, blocked=blocked)


PROJECTIONS: Projections = MappingProxyType(
    {
        UserCreated: _created,
        UserRenamed: _renamed,
        UserUpdated: _updated,
        HoldChanged: _held,
        UserBanned: _banned,
        UserUnbanned: _unbanned,
        UserBlocked: _blocked,
        UserUnblocked: _unblocked,
    }
)
