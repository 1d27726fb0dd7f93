"""Creates and changes users: at their first sign-in or by the backend. Users change their own profiles; the backend and
admins also ban users."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import msgspec

from talkwire.core.commands.accounts import (
    BanUser,
    EnsureUser,
    ListUsers,
    PutUser,
    PutUsers,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.command import Page
from talkwire.core.domain.access import erased, may_act, must_be_operator, must_be_trusted
from talkwire.core.domain.access_policy import rights_of
from talkwire.core.domain.errors import ChatError, forbidden, invalid, refusals_at
from talkwire.core.domain.events import HoldChanged, UserBanned, UserCreated, UserRenamed, UserUnbanned, UserUpdated
from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import Actor, User, is_valid_id
from talkwire.core.domain.names import is_visible, without_direction_marks
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import (
    NAME_MAX_LENGTH,
    check_avatar,
    check_id,
    check_metadata,
    check_name,
    check_short_text,
    check_text,
)
from talkwire.core.domain.times import check_time
from talkwire.core.features.agents.turns import announce_waiting
from talkwire.core.features.handling.handling import handler_left
from talkwire.core.features.messages.files import must_be_own_picture
from talkwire.core.features.users.accounts import account_email, normal_email
from talkwire.core.features.users.handles import is_free_handle, normal_handle
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

USER_TEXT_MAX_LENGTH = 500
"""Longest text about a user, in characters."""

SERVER_BAN_REASON_MAX_LENGTH = 500
"""Longest reason of a ban from the server, in characters."""

USERS_BATCH_MAX = 100
"""Most users of one `PutUsers`."""


def check_ensure(command: EnsureUser) -> None:
    check_id("userId", command.user_id)
    check_short_text("name", command.name, NAME_MAX_LENGTH)  # it is repaired before, or the id


def needs_of_ensure(actor: Actor, command: EnsureUser, needs: Prefetch) -> None:
    needs.users.add(command.user_id)


def ensure_user(tx: Transaction, actor: Actor, command: EnsureUser) -> User:
    """Returns the user named by a token; creates the user when a token names them for the first time.

    A user whom the backend created without a name receives the token's name. A user that stood for the backend becomes
    an ordinary one with a token of another role. Raises `unauthenticated` for an unknown id in the range that only the
    server generates.
    """
    user = tx.user(command.user_id)
    if user is None:
        if is_own_id(command.user_id):
            raise ChatError("unauthenticated", "This user is not known to this server.")
        user = User(command.user_id, command.name, tx.now_ms, backend=actor.is_service)
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, user))
    elif user.is_changed_by_token(command.name, actor.role):
        user = _with_token(tx, actor, user, command.name)
    return user


def _with_token(tx: Transaction, actor: Actor, user: User, name: str) -> User:
    """Records what a token with this name changes of a user (`User.is_changed_by_token`), and returns the user."""
    renamed = msgspec.structs.replace(user, name=name) if user.should_adopt_name(name) else user
    if user.backend and not actor.is_service:
        return _record(tx, user, msgspec.structs.replace(renamed, backend=False))
    tx.record(UserRenamed(tx.next_pos(), tx.now_ms, user.id, name))
    return renamed


def check_update(command: UpdateUser) -> None:
    if isinstance(command.name, str):
        check_name("name", command.name)
    _check_profile(command)


def _check_profile(command: UpdateUser | PutUser) -> None:
    if isinstance(command.avatar, str):
        check_avatar("avatar", command.avatar)
    if isinstance(command.text, str):
        check_short_text("text", command.text, USER_TEXT_MAX_LENGTH)
    if isinstance(command.handle, str):
        normal_handle(command.handle)


def update_user(tx: Transaction, actor: Actor, command: UpdateUser) -> User:
    """Changes the actor's profile and returns the user. Records nothing if it is unchanged. Raises `forbidden` if the
    actor may not choose a handle, and `conflict` if the handle is taken."""
    user = tx.user(actor.user_id)
    refusal = may_act(user)
    if refusal is not None or user is None:
        raise refusal or forbidden("not_found")
    after = _with(user, command)
    if after.handle != user.handle:
        _must_choose_handle(tx, actor)
        _must_be_free(tx, after)
    if after.avatar is not None and after.avatar != user.avatar:
        must_be_own_picture(tx, actor, after.avatar)
    return _record(tx, user, after)


def _must_choose_handle(tx: Transaction, actor: Actor) -> None:
    """Raises `forbidden` if the policy lets only the application's backend set handles (unique names), and the actor is
    an ordinary user."""
    if not rights_of(actor, tx.policy).choose_handle:
        raise ChatError("forbidden", "Only the application's backend sets handles here.", cause="server_policy")


def _must_be_free(tx: Transaction, user: User) -> None:
    """Raises `conflict` if the user's handle (unique name) is another user's handle or id."""
    handle = user.handle
    if handle is not None and not is_free_handle(tx, handle, user.id):
        raise ChatError("conflict", f"The handle @{handle} is taken.", {"handle": handle}, cause="taken")


def _with(user: User, command: UpdateUser | PutUser) -> User:
    """Returns a copy of the user with the fields that the command sets.

    Setting the name to the user's id counts as choosing a name, so that names in tokens no longer replace it.
    """
    given = {
        name: value
        for name, value in msgspec.structs.asdict(command).items()
        if name not in {"user_id", "hold"} and value is not msgspec.UNSET
    }
    if isinstance(command.handle, str):
        given["handle"] = normal_handle(command.handle)
    return msgspec.structs.replace(user, **given, named=user.named or given.get("name") == user.id)


def check_put(command: PutUser) -> None:
    check_id("userId", command.user_id)
    if isinstance(command.name, str):
        check_short_text("name", command.name, NAME_MAX_LENGTH)
    _check_profile(command)
    if isinstance(command.email, str):
        normal_email(command.email)
    if isinstance(command.metadata, dict):
        check_metadata("metadata", command.metadata)
    if isinstance(command.owner_id, str):
        check_id("ownerId", command.owner_id)
        if command.kind == "person":
            raise _no_agent()


def put_user(tx: Transaction, actor: Actor, command: PutUser) -> User:
    """Creates or changes a user and returns the user. Records nothing if the user is unchanged. Only for the backend
    and admins."""
    must_be_trusted(actor)
    return _put(tx, command, *_decide(tx, command, {}))


def _put(tx: Transaction, command: PutUser, before: User | None, after: User) -> User:
    """Records the user `after` as created or changed, and returns the user. A changed hold (which forbids deleting the
    user's messages) is recorded in a separate event that no client receives."""
    user = _record(tx, before, after)
    if command.hold is msgspec.UNSET or command.hold == user.hold:
        return user
    tx.record(HoldChanged(tx.next_pos(), tx.now_ms, command.hold, user_id=user.id))
    return msgspec.structs.replace(user, hold=command.hold)


def _decide(tx: Transaction, command: PutUser, decided: Mapping[str, User]) -> tuple[User | None, User]:
    """Returns the user before the command (None if new) and after it, without recording anything. `decided` has the
    users that the same batch changes before this one, by their ids. Raises ChatError if the command is refused."""
    if isinstance(command.email, str):
        command = msgspec.structs.replace(command, email=normal_email(command.email))
    if isinstance(command.name, str):  # the name that another system has, where nobody can correct it now
        name = without_direction_marks(command.name)
        command = msgspec.structs.replace(command, name=name if is_visible(name) else command.user_id)
    user = tx.user(command.user_id)
    if user is not None:
        if user.erased:
            raise erased(user.id)
        _check_sign_in(tx, user, command)
        after = _with_kind(tx, user, _with(user, command), decided)
        if after.handle != user.handle:
            _must_be_free(tx, after)
        return user, after
    if is_own_id(command.user_id):
        raise invalid("userId", "must not be in the range of ids that the server generates")
    new = User(command.user_id, command.user_id, tx.now_ms)
    created = _with_kind(tx, new, _with(new, command), decided)
    _must_be_free(tx, created)
    return None, created


def _with_kind(tx: Transaction, before: User, after: User, decided: Mapping[str, User]) -> User:
    """Returns the changed user `after`, without the owner if it is an agent that becomes a person. Raises
    `invalid_request` for an owner that the user cannot have, and `conflict` for a person who becomes an agent but owns
    agents. `decided` has the users that the same batch changes, by their ids."""
    if after.kind == "person":
        if after.owner_id is not None and after.owner_id != before.owner_id:
            raise _no_agent()
        return after if after.owner_id is None else msgspec.structs.replace(after, owner_id=None)
    if before.kind == "person":
        _must_own_no_agent(tx, after.id, decided)
    if after.owner_id is not None and after.owner_id != before.owner_id:
        owner = after if after.owner_id == after.id else decided.get(after.owner_id) or tx.user(after.owner_id)
        if owner is None or owner.kind != "person" or owner.erased:
            raise invalid("ownerId", "must be the id of a user who is a person")
    return after


def _must_own_no_agent(tx: Transaction, user_id: str, decided: Mapping[str, User]) -> None:
    owned_ids = {agent_id for agent_id in tx.agents_of(user_id) if agent_id not in decided}
    owned_ids.update(user.id for user in decided.values() if user.owner_id == user_id)
    if owned_ids:
        message = "This user owns agents, so it must be a person. Give the agents another owner first."
        raise ChatError("conflict", message, {"agentIds": sorted(owned_ids)[:PAGE_MAX]}, cause="state_changed")


def _no_agent() -> ChatError:
    return invalid("ownerId", "must not be set for a person: only agents have an owner")


def _record(tx: Transaction, before: User | None, after: User) -> User:
    if before is None:
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, after))
    elif after != before:
        left_ids = tx.turns.worked_on_by(after.id) if before.kind == "agent" and after.kind == "person" else ()
        tx.record(UserUpdated(tx.next_pos(), tx.now_ms, after))
        for conversation_id in left_ids:
            announce_waiting(tx, conversation_id)
    return after


def _check_sign_in(tx: Transaction, user: User, command: PutUser) -> None:
    """Raises `conflict` if the command changes the e-mail address of a user who signs in on this server with it."""
    if command.email is msgspec.UNSET or command.email == user.email:
        return
    account = tx.account_of(user.id)
    if account is not None and (command.email is None or account_email(command.email) != account.email):
        raise ChatError(
            "conflict",
            "This user signs in with their e-mail address, so it cannot be changed here.",
            cause="state_changed",
        )


def users_put(actor: Actor, command: PutUser | PutUsers) -> set[str]:
    """Returns the valid ids of the users that the command creates or changes, which are loaded before it is queued
    (`ChangeHandler.loads`). Returns an empty set unless the actor is the backend or an admin."""
    if not actor.is_trusted:
        return set()
    commands = command.users[:USERS_BATCH_MAX] if isinstance(command, PutUsers) else (command,)
    return {each.user_id for each in commands if is_valid_id(each.user_id)}


def check_put_all(command: PutUsers) -> None:
    if not 1 <= len(command.users) <= USERS_BATCH_MAX:
        raise invalid("users", f"must have 1 to {USERS_BATCH_MAX} items")
    _check_distinct([user.user_id for user in command.users])
    for index, user in enumerate(command.users):
        with refusals_at(f"users[{index}]", {"userId": "id"}):
            check_put(user)
    handles = [normal_handle(user.handle) for user in command.users if isinstance(user.handle, str)]
    if len(set(handles)) != len(handles):
        raise invalid("users", "must not contain a handle twice")


def put_users(tx: Transaction, actor: Actor, command: PutUsers) -> tuple[User, ...]:
    """Creates or changes several users and returns them: all of them, or none if one is refused. Only for the backend
    and admins."""
    must_be_trusted(actor)
    decided = []
    changed: dict[str, User] = {}
    for index, user in enumerate(command.users):
        with refusals_at(f"users[{index}]", {"userId": "id"}):
            before, after = _decide(tx, user, changed)
        decided.append((user, before, after))
        changed[after.id] = after
    return tuple(_put(tx, user, before, after) for user, before, after in decided)


def _check_distinct(user_ids: Collection[str]) -> None:
    if len(set(user_ids)) != len(user_ids):
        raise invalid("users", "must not contain a user twice")


def check_ban(command: BanUser) -> None:
    check_unban(command)
    if command.until_ms is not None:
        check_time("until", command.until_ms)
    if command.reason is not None:
        check_short_text("reason", command.reason, SERVER_BAN_REASON_MAX_LENGTH)


def check_unban(command: BanUser | UnbanUser) -> None:
    check_id("userId", command.user_id)


def ban_user(tx: Transaction, actor: Actor, command: BanUser) -> User:
    """Bans a user from the server and returns the user. The user's sockets close on every node. Only for the backend
    and admins."""
    user = _moderated(tx, actor, command.user_id)
    if command.until_ms is not None and command.until_ms <= tx.now_ms:
        raise invalid("until", "must be in the future")
    if (user.banned, user.ban_reason, user.ban_until_ms) != (True, command.reason, command.until_ms):
        tx.record(UserBanned(tx.next_pos(), tx.now_ms, user.id, command.reason, command.until_ms))
        for conversation_id in tx.teams.handled_by(user.id):
            handler_left(tx, conversation_id, user.id, "" if actor.is_service else actor.user_id)
    return _moderated(tx, actor, command.user_id)


def unban_user(tx: Transaction, actor: Actor, command: UnbanUser) -> User:
    """Lifts a user's ban from the server and returns the user. Does nothing for a user who is not banned. Only for the
    backend and admins."""
    user = _moderated(tx, actor, command.user_id)
    if user.banned:
        tx.record(UserUnbanned(tx.next_pos(), tx.now_ms, user.id))
    return _moderated(tx, actor, command.user_id)


def end_ban(tx: Transaction, key: str) -> int | None:
    """Lifts the ban of the user with the id `key` if its time is over. Returns when it ends if that is later, in
    milliseconds since 1970, else None."""
    user = tx.user(key)
    if user is None or not user.banned or user.ban_until_ms is None:
        return None
    if user.ban_until_ms > tx.now_ms:
        return user.ban_until_ms
    tx.record(UserUnbanned(tx.next_pos(), tx.now_ms, user.id))
    return None


def _moderated(tx: Transaction, actor: Actor, user_id: str) -> User:
    must_be_trusted(actor)
    user = tx.user(user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    if user.erased:
        raise erased(user.id)
    return user


def list_users(snapshot: Snapshot, actor: Actor, query: ListUsers) -> Page[User]:
    """Returns a page of all users in the order of their ids. Only for operators."""
    must_be_operator(actor)
    if query.cursor is not None:
        check_text("cursor", query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    users = snapshot.users_after(query.cursor, limit + 1)
    return Page(tuple(users[:limit]), users[limit - 1].id if len(users) > limit else None)


CHANGES: Changes = MappingProxyType(
    {
        EnsureUser: ChangeHandler(ensure_user, check_ensure, needs_of_ensure),
        UpdateUser: ChangeHandler(update_user, check_update),
        PutUser: ChangeHandler(put_user, check_put, loads=users_put),
        PutUsers: ChangeHandler(put_users, check_put_all, loads=users_put),
        BanUser: ChangeHandler(ban_user, check_ban),
        UnbanUser: ChangeHandler(unban_user, check_unban),
    }
)


QUERIES: Queries = MappingProxyType({ListUsers: list_users})
