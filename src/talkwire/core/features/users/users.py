"""Users: created on first sight or by the backend, changed by themselves or the backend, banned by the backend or
admins."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
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
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import HoldChanged, UserBanned, UserCreated, UserRenamed, UserUnbanned, UserUpdated
from talkwire.core.domain.model import Actor, User, is_own_id, is_valid_id
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_avatar, check_id, check_metadata, check_name, check_text
from talkwire.core.features.users.accounts import normal_email
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

TEXT_MAX_LENGTH = 500

BATCH_MAX = 100
"""Maximum number of users in one `PutUsers`."""


def check_ensure(command: EnsureUser) -> None:
    check_id("userId", command.user_id)
    check_name("name", command.name)


def ensure_user(tx: Transaction, actor: Actor, command: EnsureUser) -> User:
    """Returns the stored user of a token; creates the user on first sight.

    A user whom the backend created without a name receives the token's name. Raises `unauthenticated` for an unknown id
    in the range that only the server generates.
    """
    user = tx.user(command.user_id)
    if user is None:
        if is_own_id(command.user_id):
            raise ChatError("unauthenticated", "This user is not known to this server.")
        user = User(command.user_id, command.name, tx.now_ms)
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, user, is_backend=actor.is_service))
    elif user.should_adopt_name(command.name):
        tx.record(UserRenamed(tx.next_pos(), tx.now_ms, user.id, command.name))
        user = msgspec.structs.replace(user, name=command.name)
    return user


def check_update(command: UpdateUser | PutUser) -> None:
    if isinstance(command.name, str):
        check_name("name", command.name)
    if isinstance(command.avatar, str):
        check_avatar("avatar", command.avatar)
    if isinstance(command.text, str):
        check_name("text", command.text, TEXT_MAX_LENGTH)


def update_user(tx: Transaction, actor: Actor, command: UpdateUser) -> User:
    """Changes the actor's profile. Records nothing if it is unchanged."""
    user = tx.user(actor.user_id)
    refusal = may_act(user)
    if refusal is not None or user is None:
        raise refusal or forbidden()
    return _record(tx, user, _with(user, command))


def _with(user: User, command: UpdateUser | PutUser) -> User:
    """Returns the user with the fields that the command sets.

    Setting the name to the id counts as choosing a name, so that tokens no longer change it.
    """
    given = {
        name: value
        for name, value in msgspec.structs.asdict(command).items()
        if name not in {"user_id", "hold"} and value is not msgspec.UNSET
    }
    return msgspec.structs.replace(user, **given, named=user.named or given.get("name") == user.id)


def check_put(command: PutUser) -> None:
    check_id("userId", command.user_id)
    check_update(command)
    if isinstance(command.email, str):
        normal_email(command.email)
    if isinstance(command.metadata, dict):
        check_metadata("metadata", command.metadata)


def put_user(tx: Transaction, actor: Actor, command: PutUser) -> User:
    """Creates or changes a user. Records nothing if the user is unchanged."""
    must_be_trusted(actor)
    return _put(tx, command, *_decide(tx, command))


def _put(tx: Transaction, command: PutUser, before: User | None, after: User) -> User:
    """Records a decided command. A hold has an event of its own, which nobody receives."""
    user = _record(tx, before, after)
    if command.hold is msgspec.UNSET or command.hold == user.hold:
        return user
    tx.record(HoldChanged(tx.next_pos(), tx.now_ms, command.hold, user_id=user.id))
    return msgspec.structs.replace(user, hold=command.hold)


def _decide(tx: Transaction, command: PutUser) -> tuple[User | None, User]:
    """Returns the user before and after the command. Raises ChatError if the command is refused."""
    if isinstance(command.email, str):
        command = msgspec.structs.replace(command, email=normal_email(command.email))
    user = tx.user(command.user_id)
    if user is not None:
        if user.erased:
            raise erased(user.id)
        _check_sign_in(tx, user, command)
        return user, _with(user, command)
    if is_own_id(command.user_id):
        raise invalid("userId", "must not be in the range of ids that the server generates")
    return None, _with(User(command.user_id, command.user_id, tx.now_ms), command)


def _record(tx: Transaction, before: User | None, after: User) -> User:
    if before is None:
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, after))
    elif after != before:
        tx.record(UserUpdated(tx.next_pos(), tx.now_ms, after))
    return after


def _check_sign_in(tx: Transaction, user: User, command: PutUser) -> None:
    """Raises `conflict` for a new e-mail address if the user signs in on this server with the old one."""
    if command.email is msgspec.UNSET or command.email == user.email:
        return
    if tx.account_of(user.id) is not None:
        raise ChatError("conflict", "This user signs in with their e-mail address, so it cannot be changed here.")


def users_put(actor: Actor, command: PutUser | PutUsers) -> set[str]:
    """Returns the valid ids among the users that the command creates or changes; empty unless the actor is trusted."""
    if not actor.is_trusted:
        return set()
    commands = command.users[:BATCH_MAX] if isinstance(command, PutUsers) else (command,)
    return {each.user_id for each in commands if is_valid_id(each.user_id)}


def check_put_all(command: PutUsers) -> None:
    if not 1 <= len(command.users) <= BATCH_MAX:
        raise invalid("users", f"must have 1 to {BATCH_MAX} items")
    _check_distinct([user.user_id for user in command.users])
    for index, user in enumerate(command.users):
        with _refusals_at(index):
            check_put(user)


def put_users(tx: Transaction, actor: Actor, command: PutUsers) -> tuple[User, ...]:
    """Creates or changes all of the users. Every user is checked before the first one is recorded."""
    must_be_trusted(actor)
    decided = []
    for index, user in enumerate(command.users):
        with _refusals_at(index):
            decided.append((user, *_decide(tx, user)))
    return tuple(_put(tx, user, before, after) for user, before, after in decided)


def _check_distinct(user_ids: Collection[str]) -> None:
    if len(set(user_ids)) != len(user_ids):
        raise invalid("users", "must not contain a user twice")


@contextmanager
def _refusals_at(index: int) -> Iterator[None]:
    """Adds the index of a user in a batch to the refusals raised inside."""
    try:
        yield
    except ChatError as error:
        place = f"users[{index}]"
        match error.details:
            case [{"path": str() as path, "message": str() as message}]:
                raise invalid(f"{place}.{'id' if path == 'userId' else path}", message) from None
            case details:
                raise ChatError(error.code, f"{place}: {error.message}", details) from None


def check_ban(command: BanUser | UnbanUser) -> None:
    check_id("userId", command.user_id)


def ban_user(tx: Transaction, actor: Actor, command: BanUser) -> User:
    """Bans a user. The user's sockets close on every node."""
    user = _moderated(tx, actor, command.user_id)
    if not user.banned:
        tx.record(UserBanned(tx.next_pos(), tx.now_ms, user.id))
    return _moderated(tx, actor, command.user_id)


def unban_user(tx: Transaction, actor: Actor, command: UnbanUser) -> User:
    """Removes a user's ban."""
    user = _moderated(tx, actor, command.user_id)
    if user.banned:
        tx.record(UserUnbanned(tx.next_pos(), tx.now_ms, user.id))
    return _moderated(tx, actor, command.user_id)


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
        EnsureUser: ChangeHandler(ensure_user, check_ensure),
        UpdateUser: ChangeHandler(update_user, check_update),
        PutUser: ChangeHandler(put_user, check_put, loads=users_put),
        PutUsers: ChangeHandler(put_users, check_put_all, loads=users_put),
        BanUser: ChangeHandler(ban_user, check_ban),
        UnbanUser: ChangeHandler(unban_user, check_ban),
    }
)


QUERIES: Queries = MappingProxyType({ListUsers: list_users})
