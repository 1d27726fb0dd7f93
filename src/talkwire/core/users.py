"""Users: made on first sight, found by others, changed by themselves, banned by operators."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from types import MappingProxyType

import msgspec

from talkwire.core.access import may_act, must_operate
from talkwire.core.commands.accounts import (
    BanUser,
    EnsureUser,
    GetUser,
    ListUsers,
    SearchUsers,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.command import Page
from talkwire.core.errors import ChatError, forbidden, invalid
from talkwire.core.events import UserBanned, UserCreated, UserRenamed, UserUnbanned, UserUpdated
from talkwire.core.handler import ChangeHandler, Changes, Queries
from talkwire.core.messages import PAGE_MAX
from talkwire.core.model import Actor, User, is_own_id, is_valid_id
from talkwire.core.texts import NAME_MAX_LENGTH, check_avatar, check_id, check_name, check_text
from talkwire.core.transaction import Snapshot, Transaction

TEXT_MAX_LENGTH = 500


def check_ensure(command: EnsureUser) -> None:
    check_id("userId", command.user_id)
    check_name("name", command.name)


def ensure_user(tx: Transaction, actor: Actor, command: EnsureUser) -> User:
    """The stored user of a token, made on first sight, except under an id that only we give out.

    Whoever the backend created by naming the id alone gets the token's name.
    """
    user = tx.user(command.user_id)
    if user is None:
        if is_own_id(command.user_id):
            raise ChatError("unauthenticated", "This user is not known here.")
        user = User(command.user_id, command.name, tx.now_ms)
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, user, is_backend=actor.is_service))
    elif user.may_become(command.name):
        tx.record(UserRenamed(tx.next_pos(), tx.now_ms, user.id, command.name))
        user = msgspec.structs.replace(user, name=command.name)
    return user


def check_update(command: UpdateUser) -> None:
    if isinstance(command.name, str):
        check_name("name", command.name)
    if isinstance(command.avatar, str):
        check_avatar("avatar", command.avatar)
    if isinstance(command.text, str):
        check_name("text", command.text, TEXT_MAX_LENGTH)


def update_user(tx: Transaction, actor: Actor, command: UpdateUser) -> User:
    """Changes how others see the actor; nothing happens when nothing is different."""
    user = tx.user(actor.user_id)
    refusal = may_act(user)
    if refusal is not None or user is None:
        raise refusal or forbidden()
    given = msgspec.structs.asdict(command)
    changed = msgspec.structs.replace(
        user, **{name: value for name, value in given.items() if value is not msgspec.UNSET}
    )
    if changed != user:
        tx.record(UserUpdated(tx.next_pos(), tx.now_ms, changed))
    return changed


def check_ban(command: BanUser | UnbanUser) -> None:
    check_id("userId", command.user_id)


def ban_user(tx: Transaction, actor: Actor, command: BanUser) -> User:
    """Keeps a user out; their sockets close on every node."""
    user = _operated_on(tx, actor, command.user_id)
    if not user.banned:
        tx.record(UserBanned(tx.next_pos(), tx.now_ms, user.id))
    return _operated_on(tx, actor, command.user_id)


def unban_user(tx: Transaction, actor: Actor, command: UnbanUser) -> User:
    """Lets a banned user in again."""
    user = _operated_on(tx, actor, command.user_id)
    if user.banned:
        tx.record(UserUnbanned(tx.next_pos(), tx.now_ms, user.id))
    return _operated_on(tx, actor, command.user_id)


def _operated_on(tx: Transaction, actor: Actor, user_id: str) -> User:
    must_operate(actor)
    user = tx.user(user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    return user


def get_user(snapshot: Snapshot, actor: Actor, query: GetUser) -> User:
    """A user as everyone may see them; the e-mail address is for themselves."""
    check_id("userId", query.user_id)
    user = snapshot.user(query.user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    if actor.role == "user" and actor.user_id != user.id:
        return _as_others_see(user)
    return user


def list_users(snapshot: Snapshot, actor: Actor, query: ListUsers) -> Page[User]:
    """An operator's list, by id."""
    must_operate(actor)
    if query.cursor is not None:
        check_text("cursor", query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    users = snapshot.users_after(query.cursor, limit + 1)
    return Page(tuple(users[:limit]), users[limit - 1].id if len(users) > limit else None)


def search_users(snapshot: Snapshot, actor: Actor, query: SearchUsers) -> Page[User]:
    """Users by the beginning of their name, in its order; before them the one whose id was given."""
    check_text("query", query.text)
    if len(query.text) > NAME_MAX_LENGTH:
        raise invalid("query", f"at most {NAME_MAX_LENGTH} characters")
    prefix = query.text.strip().casefold()
    limit = max(1, min(query.limit, PAGE_MAX))
    after = None if query.cursor is None else _place_of(query.cursor)
    found = list(snapshot.users_named(prefix, after, limit + 1))
    page = found[:limit]
    next_ = _cursor_at(page[-1]) if len(found) > limit else None
    by_id = _by_id(snapshot, query.text.strip()) if after is None else None
    if by_id is not None and by_id not in page and not by_id.name.casefold().startswith(prefix):
        page = [by_id, *page]
    return Page(tuple(map(_as_others_see, page)), next_)


def _by_id(snapshot: Snapshot, user_id: str) -> User | None:
    user = snapshot.user(user_id) if is_valid_id(user_id) else None
    return None if user is None or user.banned else user


def _as_others_see(user: User) -> User:
    return msgspec.structs.replace(user, email=None)


def _cursor_at(user: User) -> str:
    """Names a place in the order of names, which is there also when that user has another name by then."""
    return urlsafe_b64encode(msgspec.json.encode((user.name.casefold(), user.id))).decode()


def _place_of(cursor: str) -> tuple[str, str]:
    try:
        name, user_id = msgspec.json.decode(urlsafe_b64decode(cursor), type=tuple[str, str])
        check_text("cursor", name + user_id)
    except (ValueError, ChatError):
        raise invalid("cursor", "is not a cursor of this list") from None
    return name, user_id


CHANGES: Changes = MappingProxyType(
    {
        EnsureUser: ChangeHandler(ensure_user, check_ensure),
        UpdateUser: ChangeHandler(update_user, check_update),
        BanUser: ChangeHandler(ban_user, check_ban),
        UnbanUser: ChangeHandler(unban_user, check_ban),
    }
)


QUERIES: Queries = MappingProxyType({GetUser: get_user, ListUsers: list_users, SearchUsers: search_users})
