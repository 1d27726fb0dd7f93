"""Users, the accounts that sign in here, and their signed-in devices.

Passwords and refresh tokens come in hashed; what they are hashed with is not known here.
"""

from __future__ import annotations

import re
from types import MappingProxyType

import msgspec

from talkwire.core.access import must_operate
from talkwire.core.commands.accounts import (
    AccountRecord,
    BanUser,
    CloseLogin,
    EnsureUser,
    FindAccount,
    GetUser,
    ListUsers,
    Login,
    OpenLogin,
    RegisterAccount,
    RotateLogin,
    SetPassword,
    UnbanUser,
)
from talkwire.core.commands.command import Page
from talkwire.core.errors import ChatError, forbidden, invalid
from talkwire.core.events import LoginEnded, LoginOpened, UserBanned, UserCreated, UserRenamed, UserUnbanned
from talkwire.core.handler import ChangeHandler, Changes, Queries
from talkwire.core.messages import PAGE_MAX
from talkwire.core.model import OWN_ID_BASE, Account, Actor, LoginSession, User, is_own_id
from talkwire.core.texts import check_id, check_name, check_text
from talkwire.core.transaction import Snapshot, Transaction

_EMAIL = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]{1,190}")


def normal_email(email: str) -> str:
    """The form in which an e-mail address is compared. Raises `invalid_request` for what is none."""
    check_text("email", email)
    if _EMAIL.fullmatch(email) is None:
        raise invalid("email", "must be an e-mail address")
    return email.casefold()


def check_register(command: RegisterAccount) -> None:
    check_name("name", command.name)
    normal_email(command.email)
    if command.id is not None:
        check_id("id", command.id)


def register_account(tx: Transaction, actor: Actor, command: RegisterAccount) -> User:
    """A new user with an e-mail address and a password. Only an operator chooses the id, which then must be free."""
    if command.id is not None:
        must_operate(actor)
        if is_own_id(command.id):
            raise invalid("id", "lies in the range of ids that the server gives out")
        if tx.user(command.id) is not None:
            raise ChatError("conflict", "A user with this id exists.")
    email = normal_email(command.email)
    if tx.account(email) is not None:
        raise ChatError("conflict", "This e-mail address is taken.")
    pos = tx.next_pos()
    user = User(command.id or str(OWN_ID_BASE + pos), command.name, tx.now_ms, email=email)
    tx.record(UserCreated(pos, tx.now_ms, user))
    tx.put_account(Account(user.id, email, command.password_hash))
    return user


def set_password(tx: Transaction, actor: Actor, command: SetPassword) -> None:
    """Replaces a password; an operator's command."""
    must_operate(actor)
    account = tx.account_of(command.user_id)
    if account is None:
        raise ChatError("not_found", "This user has no account.")
    tx.put_account(Account(account.user_id, account.email, command.password_hash))


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
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, user))
    elif user.may_become(command.name):
        tx.record(UserRenamed(tx.next_pos(), tx.now_ms, user.id, command.name))
        user = msgspec.structs.replace(user, name=command.name)
    return user


def check_user_id(command: SetPassword | OpenLogin | BanUser | UnbanUser) -> None:
    check_id("userId", command.user_id)


def check_session_id(command: RotateLogin | CloseLogin) -> None:
    check_text("sessionId", command.session_id)


def open_login(tx: Transaction, actor: Actor, command: OpenLogin) -> Login:
    """A device signs in."""
    user = _signed_in_user(tx, command.user_id)
    pos = tx.next_pos()
    session = LoginSession(
        # The position alone would do; the token's hash keeps the id from being guessed.
        id=f"{pos}-{command.token_hash[:16]}",
        user_id=user.id,
        token_hash=command.token_hash,
        created_ms=tx.now_ms,
        expires_ms=tx.now_ms + command.lifetime_ms,
    )
    tx.drop_expired_logins(user.id)
    tx.put_login(session)
    tx.record(LoginOpened(pos, tx.now_ms, user.id, session.id))
    return Login(session, user)


def rotate_login(tx: Transaction, actor: Actor, command: RotateLogin) -> Login | None:
    """The next refresh token for the last one. An older one of the same family has been stolen or replayed, so the
    family ends and its sockets close."""
    session = tx.login(command.session_id)
    if session is None or session.expires_ms <= tx.now_ms:
        return None
    if session.token_hash != command.token_hash:
        _end(tx, session)
        return None
    user = _signed_in_user(tx, session.user_id)
    renewed = LoginSession(
        id=session.id,
        user_id=session.user_id,
        token_hash=command.new_token_hash,
        created_ms=session.created_ms,
        expires_ms=tx.now_ms + command.lifetime_ms,
    )
    tx.put_login(renewed)
    return Login(renewed, user)


def close_login(tx: Transaction, actor: Actor, command: CloseLogin) -> None:
    """A device signs out; doing so twice is no error."""
    session = tx.login(command.session_id)
    if session is None:
        return
    if session.user_id != actor.user_id:
        raise forbidden()
    _end(tx, session)


def _end(tx: Transaction, session: LoginSession) -> None:
    tx.drop_login(session.id)
    tx.record(LoginEnded(tx.next_pos(), tx.now_ms, session.user_id, session.id))


def _signed_in_user(tx: Transaction, user_id: str) -> User:
    user = tx.user(user_id)
    if user is None:
        raise forbidden()
    if user.banned:
        raise ChatError("banned", "This user is banned.")
    return user


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


def find_account(snapshot: Snapshot, actor: Actor, query: FindAccount) -> AccountRecord | None:
    """What a sign-in is checked against."""
    return snapshot.account_record(normal_email(query.email))


def get_user(snapshot: Snapshot, actor: Actor, query: GetUser) -> User:
    """A user as everyone may see them; the e-mail address is for themselves."""
    check_id("userId", query.user_id)
    user = snapshot.user(query.user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    if actor.role == "user" and actor.user_id != user.id:
        return msgspec.structs.replace(user, email=None)
    return user


def list_users(snapshot: Snapshot, actor: Actor, query: ListUsers) -> Page[User]:
    """An operator's list, by id."""
    must_operate(actor)
    if query.cursor is not None:
        check_text("cursor", query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    users = snapshot.users_after(query.cursor, limit + 1)
    return Page(tuple(users[:limit]), users[limit - 1].id if len(users) > limit else None)


CHANGES: Changes = MappingProxyType(
    {
        RegisterAccount: ChangeHandler(register_account, check_register),
        SetPassword: ChangeHandler(set_password, check_user_id),
        OpenLogin: ChangeHandler(open_login, check_user_id),
        RotateLogin: ChangeHandler(rotate_login, check_session_id),
        CloseLogin: ChangeHandler(close_login, check_session_id),
        EnsureUser: ChangeHandler(ensure_user, check_ensure),
        BanUser: ChangeHandler(ban_user, check_user_id),
        UnbanUser: ChangeHandler(unban_user, check_user_id),
    }
)


QUERIES: Queries = MappingProxyType(
    {
        FindAccount: find_account,
        GetUser: get_user,
        ListUsers: list_users,
    }
)
