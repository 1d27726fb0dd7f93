"""Accounts with e-mail and password, and their signed-in devices.

Passwords and refresh tokens are already hashed; this module does not know the hash functions.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.accounts import (
    AccountRecord,
    ChangePassword,
    CloseLogin,
    FindAccount,
    FindOwnAccount,
    ListLogins,
    Login,
    OpenLogin,
    RegisterAccount,
    RehashPassword,
    RotateLogin,
    SetPassword,
)
from talkwire.core.domain.access import erased, may_act, must_be_operator, require
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import LoginEnded, LoginOpened, LoginRenewed, UserCreated
from talkwire.core.domain.model import OWN_ID_BASE, Account, Actor, LoginSession, User, is_own_id
from talkwire.core.domain.texts import check_id, check_name, check_text
from talkwire.core.features.conversations.invitations import usable_invitation, use_invitation
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

_EMAIL = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]{1,190}")


def normal_email(email: str) -> str:
    """Returns an e-mail address in the form used for comparison. Raises `invalid_request` for an invalid address."""
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
    """Creates a user with an e-mail address and a password, and returns the user.

    Only an operator may choose the id, which must be free. Raises `forbidden` for an unusable invitation; this check
    comes before the e-mail address is looked up, so that it reveals nothing about existing accounts.
    """
    invitation = None if command.invitation is None else usable_invitation(tx, command.invitation)
    if command.id is not None:
        must_be_operator(actor)
        if is_own_id(command.id):
            raise invalid("id", "must not be in the range of ids that the server generates")
        known = tx.user(command.id)
        if known is not None and known.erased:
            raise erased(known.id)
        if known is not None:
            raise ChatError("conflict", "A user with this id already exists.")
    email = normal_email(command.email)
    if tx.account(email) is not None:
        raise ChatError("conflict", "This e-mail address is taken.")
    pos = tx.next_pos()
    user = User(command.id or str(OWN_ID_BASE + pos), command.name, tx.now_ms, email=email)
    tx.record(UserCreated(pos, tx.now_ms, user))
    tx.put_account(Account(user.id, email, command.password_hash))
    if invitation is not None:
        use_invitation(tx, user.id, invitation)
    return user


# --- passwords ------------------------------------------------------------------------------------------------------


def set_password(tx: Transaction, actor: Actor, command: SetPassword) -> None:
    """Replaces an account's password and signs all of its devices out. Only for operators."""
    must_be_operator(actor)
    account = tx.account_of(command.user_id)
    if account is None:
        raise ChatError("not_found", "This user has no account.")
    _replace_password(tx, account, command.password_hash)
    _end_logins(tx, command.user_id)


def change_password(tx: Transaction, actor: Actor, command: ChangePassword) -> None:
    """Replaces the actor's password and signs their other devices out, which may be of someone who knew the old one."""
    account = _account_with(tx, actor.user_id, command.current_hash)
    if account is None:
        raise ChatError("conflict", "The password was changed in the meantime.")
    _replace_password(tx, account, command.new_hash)
    _end_logins(tx, actor.user_id, but=command.session_id)


def rehash_password(tx: Transaction, actor: Actor, command: RehashPassword) -> None:
    """Stores a new hash of the same password. Does nothing if the password has changed since."""
    account = _account_with(tx, command.user_id, command.current_hash)
    if account is not None:
        _replace_password(tx, account, command.new_hash)


def _account_with(tx: Transaction, user_id: str, password_hash: str) -> Account | None:
    account = tx.account_of(user_id)
    return account if account is not None and account.password_hash == password_hash else None


def _replace_password(tx: Transaction, account: Account, password_hash: str) -> None:
    tx.put_account(Account(account.user_id, account.email, password_hash))


# --- signed-in devices ----------------------------------------------------------------------------------------------


def check_user_id(command: SetPassword | OpenLogin) -> None:
    check_id("userId", command.user_id)


def check_session_id(command: RotateLogin | CloseLogin) -> None:
    check_text("sessionId", command.session_id)


def open_login(tx: Transaction, actor: Actor, command: OpenLogin) -> Login:
    """Signs a device in. Raises `unauthenticated` if the password changed while the old one was being verified."""
    user = _signed_in_user(tx, command.user_id)
    if command.password_hash is not None and _account_with(tx, user.id, command.password_hash) is None:
        raise ChatError("unauthenticated", "The e-mail address or the password is wrong.")
    pos = tx.next_pos()
    session = LoginSession(
        # The position alone makes the id unique; the token's hash makes it hard to guess.
        id=f"{pos}-{command.token_hash[:16]}",
        user_id=user.id,
        token_hash=command.token_hash,
        created_ms=tx.now_ms,
        expires_ms=tx.now_ms + command.lifetime_ms,
        last_seen_ms=tx.now_ms,
        address=command.device.address,
        user_agent=command.device.user_agent,
    )
    tx.drop_expired_logins(user.id)
    tx.put_login(session)
    tx.record(LoginOpened(pos, tx.now_ms, user.id, session.id))
    return Login(session, user)


def rotate_login(tx: Transaction, actor: Actor, command: RotateLogin) -> Login | None:
    """Returns a device's next login record for a refresh token, or None.

    A token that is not the newest was stolen or replayed: the device is signed out and its sockets close.
    """
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
        last_seen_ms=tx.now_ms,
        address=command.device.address,
        user_agent=command.device.user_agent,
    )
    tx.put_login(renewed)
    # The writer finds this event in the log when a commit's reply was lost. Rotating a second time would sign out.
    tx.record(LoginRenewed(tx.next_pos(), tx.now_ms, user.id, session.id))
    return Login(renewed, user)


def close_login(tx: Transaction, actor: Actor, command: CloseLogin) -> None:
    """Signs a device of the actor out, which may be the one that asks or another one."""
    session = tx.login(command.session_id)
    if session is None or session.user_id != actor.user_id:
        raise forbidden()
    _end(tx, session)


def _end(tx: Transaction, session: LoginSession) -> None:
    tx.drop_login(session.id)
    tx.record(LoginEnded(tx.next_pos(), tx.now_ms, session.user_id, session.id))


def _end_logins(tx: Transaction, user_id: str, *, but: str | None = None) -> None:
    for session in tx.logins_of(user_id):
        if session.id != but:
            _end(tx, session)


def _signed_in_user(tx: Transaction, user_id: str) -> User:
    user = tx.user(user_id)
    if user is None:
        raise forbidden()
    require(may_act(user))
    return user


def find_account(snapshot: Snapshot, actor: Actor, query: FindAccount) -> AccountRecord | None:
    """Returns the account to check a sign-in against, or None."""
    found = snapshot.account_record(normal_email(query.email))
    if found is None:
        return None
    return replace(found, addresses=snapshot.login_addresses(found.user.id, snapshot.now_ms))


def find_own_account(snapshot: Snapshot, actor: Actor, query: FindOwnAccount) -> AccountRecord | None:
    """Returns the account to check the actor's current password against; None for a user without an account."""
    return snapshot.account_record_of(actor.user_id)


def list_logins(snapshot: Snapshot, actor: Actor, query: ListLogins) -> tuple[LoginSession, ...]:
    return tuple(snapshot.logins_of(actor.user_id, query.now_ms))


CHANGES: Changes = MappingProxyType(
    {
        RegisterAccount: ChangeHandler(register_account, check_register),
        SetPassword: ChangeHandler(set_password, check_user_id),
        ChangePassword: ChangeHandler(change_password),
        RehashPassword: ChangeHandler(rehash_password),
        OpenLogin: ChangeHandler(open_login, check_user_id),
        RotateLogin: ChangeHandler(rotate_login, check_session_id),
        CloseLogin: ChangeHandler(close_login, check_session_id),
    }
)


QUERIES: Queries = MappingProxyType(
    {FindAccount: find_account, FindOwnAccount: find_own_account, ListLogins: list_logins}
)
