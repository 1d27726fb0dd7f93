"""Accounts with e-mail address and password, and the devices on which users are signed in.

Passwords and refresh tokens reach this module as hashes only; it compares them and does not know the hash functions.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.accounts import (
    AccountRecord,
    ChangePassword,
    CloseLogin,
    FindAccount,
    FindOwnAccount,
    HasAdmin,
    ListLogins,
    Login,
    OpenLogin,
    OpenProviderLogin,
    RegisterAccount,
    RehashPassword,
    RotateLogin,
    SetPassword,
)
from talkwire.core.domain.access import erased, may_act, must_be_operator, require
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import LoginEnded, LoginOpened, LoginRenewed, UserCreated, UserUpdated
from talkwire.core.domain.log.positions import is_own_id, own_id_at
from talkwire.core.domain.model import Account, AccountRole, Actor, LoginSession, User
from talkwire.core.domain.texts import check_id, check_name, check_text
from talkwire.core.features.conversations.invitations import usable_invitation, use_invitation
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

_EMAIL = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]{1,190}")
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def normal_email(email: str) -> str:
    """Returns an e-mail address with its ASCII letters in lower case, the form in which users have it. Only addresses
    that are equal in this form are one mailbox: `strauß@` and `strauss@` are two people. Raises `invalid_request` for
    an invalid address."""
    check_text("email", email)
    if _EMAIL.fullmatch(email) is None:
        raise invalid("email", "must be an e-mail address")
    return email.translate(_ASCII_LOWER)


def account_email(email: str) -> str:
    """Returns an e-mail address casefolded, the form in which accounts have it, so that no two accounts have addresses
    that look alike. It identifies nobody without the password. Raises `invalid_request` for an invalid address."""
    return normal_email(email).casefold()


def check_register(command: RegisterAccount) -> None:
    if command.name is not None:
        check_name("name", command.name)
    normal_email(command.email)
    if command.id is not None:
        check_id("id", command.id)


def register_account(tx: Transaction, actor: Actor, command: RegisterAccount) -> User:
    """Creates an account with an e-mail address and a password, for a new user or for one who has no account, and
    returns the user. Raises `conflict` if the address or the user has an account already.

    Only an operator may choose the id. Raises `forbidden` for an invalid or used-up invitation; this check comes before
    the e-mail address is looked up, so that it reveals nothing about existing accounts.
    """
    invitation = None if command.invitation is None else usable_invitation(tx, command.invitation)
    if command.role is not None or command.id is not None:
        must_be_operator(actor)
    known = None if command.id is None else _without_account(tx, command.id)
    email, key = normal_email(command.email), account_email(command.email)
    if tx.account(key) is not None:
        raise ChatError("conflict", "This e-mail address is taken.", cause="taken")
    user = _create_user(tx, command, email) if known is None else replace(known, email=email)
    if known is not None and user != known:
        tx.record(UserUpdated(tx.next_pos(), tx.now_ms, user))
    role = command.role or ("user" if invitation is None else invitation.role)
    tx.put_account(Account(user.id, key, command.password_hash, role))
    if invitation is not None:
        use_invitation(tx, user.id, invitation)
    return user


def _without_account(tx: Transaction, user_id: str) -> User | None:
    """Returns the user with this id; None if there is none. Raises ChatError if the user is banned, erased or has an
    account, or if the id of a new user is in the range that only the server generates."""
    user = tx.user(user_id)
    if user is None:
        if is_own_id(user_id):
            raise invalid("id", "must not be in the range of ids that the server generates")
        return None
    if user.erased:
        raise erased(user.id)
    require(may_act(user))
    if tx.account_of(user.id) is not None:
        raise ChatError("conflict", "This user has an account already.", cause="taken")
    return user


def _create_user(tx: Transaction, command: RegisterAccount, email: str) -> User:
    if command.name is None:
        raise invalid("name", "must be given for a new user")
    pos = tx.next_pos()
    user = User(command.id or own_id_at(pos), command.name, tx.now_ms, email=email)
    tx.record(UserCreated(pos, tx.now_ms, user))
    return user


# --- passwords ------------------------------------------------------------------------------------------------------


def set_password(tx: Transaction, actor: Actor, command: SetPassword) -> None:
    """Replaces an account's password and signs all of its devices out. Only for operators. Raises `not_found` for a
    user without an account."""
    must_be_operator(actor)
    account = tx.account_of(command.user_id)
    if account is None:
        raise ChatError("not_found", "This user has no account.")
    _replace_password(tx, account, command.password_hash)
    _end_logins(tx, command.user_id)


def change_password(tx: Transaction, actor: Actor, command: ChangePassword) -> None:
    """Replaces the actor's password and signs out the actor's other devices, which somebody who knew the old password
    may have signed in. Raises `conflict` if the password was changed since the caller checked it."""
    account = _account_with(tx, actor.user_id, command.current_hash)
    if account is None:
        raise ChatError("conflict", "The password was changed in the meantime.", cause="state_changed")
    _replace_password(tx, account, command.new_hash)
    _end_logins(tx, actor.user_id, but=command.session_id)


def rehash_password(tx: Transaction, actor: Actor, command: RehashPassword) -> None:
    """Stores a new hash of the account's unchanged password. Does nothing if the password was changed in the
    meantime."""
    account = _account_with(tx, command.user_id, command.current_hash)
    if account is not None:
        _replace_password(tx, account, command.new_hash)


def _account_with(tx: Transaction, user_id: str, password_hash: str) -> Account | None:
    account = tx.account_of(user_id)
    return account if account is not None and account.password_hash == password_hash else None


def _replace_password(tx: Transaction, account: Account, password_hash: str) -> None:
    tx.put_account(Account(account.user_id, account.email, password_hash, account.role))


# --- signed-in devices ----------------------------------------------------------------------------------------------


def check_user_id(command: SetPassword | OpenLogin) -> None:
    check_id("userId", command.user_id)


def check_session_id(command: RotateLogin | CloseLogin) -> None:
    check_text("sessionId", command.session_id)


def open_login(tx: Transaction, actor: Actor, command: OpenLogin) -> Login:
    """Signs in a device and returns the sign-in. Raises `unauthenticated` if the password was changed while it was
    being verified."""
    user = _signed_in_user(tx, command.user_id)
    if command.password_hash is not None and _account_with(tx, user.id, command.password_hash) is None:
        raise ChatError("unauthenticated", "The e-mail address or the password is wrong.")
    return store_login(tx, user, command)


def store_login(tx: Transaction, user: User, command: OpenLogin | OpenProviderLogin) -> Login:
    """Stores the sign-in of a device for a user and returns it. Deletes the user's expired sign-ins."""
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
        issuer=command.issuer if isinstance(command, OpenProviderLogin) else None,
    )
    tx.drop_expired_logins(user.id)
    tx.put_login(session)
    tx.record(LoginOpened(pos, tx.now_ms, user.id, session.id))
    return Login(session, user, _role_of(tx, session))


def rotate_login(tx: Transaction, actor: Actor, command: RotateLogin) -> Login | None:
    """Exchanges a device's refresh token for a new one and returns the renewed sign-in; None if the device is not
    signed in or the token is invalid.

    A token that this server issued before the device's newest was stolen or replayed: the device is signed out and its
    sockets close.
    """
    session = tx.login(command.session_id)
    if session is None or session.expires_ms <= tx.now_ms or not tx.policy.accepts_sign_in(session.issuer):
        return None
    if session.token_hash != command.token_hash:
        if command.issued:
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
        issuer=session.issuer,
    )
    tx.put_login(renewed)
    # The writer finds this event in the log when a commit's reply was lost. Rotating a second time would sign out.
    tx.record(LoginRenewed(tx.next_pos(), tx.now_ms, user.id, session.id))
    return Login(renewed, user, _role_of(tx, renewed))


def _role_of(tx: Transaction, session: LoginSession) -> AccountRole:
    """Returns the role of the tokens that a signed-in device gets. Devices that signed in through an OpenID provider
    always get the role `user`."""
    account = tx.account_of(session.user_id) if session.issuer is None else None
    return "user" if account is None else account.role


def close_login(tx: Transaction, actor: Actor, command: CloseLogin) -> None:
    """Signs out a device of the actor: the one that sends the command or another one."""
    session = tx.login(command.session_id)
    if session is None or session.user_id != actor.user_id:
        raise forbidden("not_found")
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
        raise forbidden("not_found")
    require(may_act(user))
    return user


def find_account(snapshot: Snapshot, actor: Actor, query: FindAccount) -> AccountRecord | None:
    """Returns the account with an e-mail address, and the network addresses of its signed-in devices, to check a
    sign-in; None if there is no such account."""
    found = snapshot.account_record(account_email(query.email))
    if found is None:
        return None
    return replace(found, addresses=snapshot.login_addresses(found.user.id, snapshot.now_ms))


def find_own_account(snapshot: Snapshot, actor: Actor, query: FindOwnAccount) -> AccountRecord | None:
    """Returns the actor's account, to check the current password; None for a user without an account."""
    return snapshot.account_record_of(actor.user_id)


def has_admin(snapshot: Snapshot, actor: Actor, query: HasAdmin) -> bool:
    must_be_operator(actor)
    return snapshot.has_admin()


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
    {FindAccount: find_account, FindOwnAccount: find_own_account, HasAdmin: has_admin, ListLogins: list_logins}
)
