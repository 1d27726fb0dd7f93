"""The accounts that sign in here, and their signed-in devices.

Passwords and refresh tokens come in hashed; what they are hashed with is not known here.
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
from talkwire.core.domain.access import must_operate
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import LoginEnded, LoginOpened, LoginRenewed, UserCreated
from talkwire.core.domain.model import OWN_ID_BASE, Account, Actor, LoginSession, User, is_own_id
from talkwire.core.domain.texts import check_id, check_name, check_text
from talkwire.core.features.conversations.invitations import usable_invitation, use_invitation
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

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
    """Returns a new user with an e-mail address and a password. Only an operator chooses the id, which then must be
    free. Raises `forbidden` for an invitation that nobody can use, before it says anything about the address."""
    invitation = None if command.invitation is None else usable_invitation(tx, command.invitation)
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
    if invitation is not None:
        use_invitation(tx, user.id, invitation)
    return user


# --- passwords ------------------------------------------------------------------------------------------------------


def set_password(tx: Transaction, actor: Actor, command: SetPassword) -> None:
    """Replaces a password and signs the account out everywhere; an operator's command."""
    must_operate(actor)
    account = tx.account_of(command.user_id)
    if account is None:
        raise ChatError("not_found", "This user has no account.")
    _replace_password(tx, account, command.password_hash)
    _end_logins(tx, command.user_id)


def change_password(tx: Transaction, actor: Actor, command: ChangePassword) -> None:
    """Replaces the actor's own password and signs their other devices out: whoever else knew the old one."""
    account = _account_with(tx, actor.user_id, command.current_hash)
    if account is None:
        raise ChatError("conflict", "The password was changed in the meantime.")
    _replace_password(tx, account, command.new_hash)
    _end_logins(tx, actor.user_id, but=command.session_id)


def rehash_password(tx: Transaction, actor: Actor, command: RehashPassword) -> None:
    """Keeps a password at another cost; one that was changed since stays as it is."""
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
    """A device signs in. Raises `unauthenticated` when its password was changed while it was being compared."""
    user = _signed_in_user(tx, command.user_id)
    if command.password_hash is not None and _account_with(tx, user.id, command.password_hash) is None:
        raise ChatError("unauthenticated", "The e-mail address or the password is wrong.")
    pos = tx.next_pos()
    session = LoginSession(
        # The position alone would do; the token's hash keeps the id from being guessed.
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
        last_seen_ms=tx.now_ms,
        address=command.device.address,
        user_agent=command.device.user_agent,
    )
    tx.put_login(renewed)
    # The event tells the writer what became of a commit whose reply was lost: to trade once more would end the family.
    tx.record(LoginRenewed(tx.next_pos(), tx.now_ms, user.id, session.id))
    return Login(renewed, user)


def close_login(tx: Transaction, actor: Actor, command: CloseLogin) -> None:
    """A device signs out, or is signed out by another device of the same user."""
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
    if user.banned:
        raise ChatError("banned", "This user is banned.")
    return user


def find_account(snapshot: Snapshot, actor: Actor, query: FindAccount) -> AccountRecord | None:
    """What a sign-in is checked against."""
    found = snapshot.account_record(normal_email(query.email))
    if found is None:
        return None
    return replace(found, addresses=snapshot.login_addresses(found.user.id, snapshot.now_ms))


def find_own_account(snapshot: Snapshot, actor: Actor, query: FindOwnAccount) -> AccountRecord | None:
    """What the actor's current password is checked against; None for a user without an account."""
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
