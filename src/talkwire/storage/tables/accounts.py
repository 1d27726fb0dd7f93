"""Accounts and logins: how users sign in, and on which devices they have. They hold hashes, which no event does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Select, delete, insert, select

from talkwire.core.commands.accounts import AccountRecord
from talkwire.core.domain.events import LoginEnded, LoginOpened, LoginRenewed
from talkwire.core.domain.model import Account, LoginSession
from talkwire.storage.schema import accounts, logins, push_subscriptions, users
from talkwire.storage.sql.keys import KEYS, key_text
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.projection import Projections, nothing
from talkwire.storage.tables.push_subscriptions import drop_subscriptions
from talkwire.storage.tables.users import ids_by_user, to_user
from talkwire.storage.workspace import Changes, Workspace

_login_ids: Select[Any] = (
    select(logins.c.user_id, logins.c.id).select_from(KEYS).join(logins, logins.c.user_id == key_text(0))
)


def _to_account(row: AnyRow) -> Account:
    return Account(row.user_id, row.email, row.password_hash)


def _to_login(row: AnyRow) -> LoginSession:
    return LoginSession(
        id=row.id,
        user_id=row.user_id,
        token_hash=row.token_hash,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        last_seen_ms=row.last_seen_ms,
        address=row.address,
        user_agent=row.user_agent,
    )


class AccountReads(Reads):
    """The part of `core.ports.transaction.Snapshot` that is about accounts and logins."""

    def logins_of(self, user_id: str, now_ms: int) -> Sequence[LoginSession]:
        signed_in = select(logins).where(logins.c.user_id == user_id, logins.c.expires_ms > now_ms)
        rows = self._connection.execute(signed_in.order_by(logins.c.last_seen_ms.desc(), logins.c.id))
        return [_to_login(row) for row in rows]

    def login_addresses(self, user_id: str, now_ms: int) -> frozenset[str]:
        found = select(logins.c.address).where(logins.c.user_id == user_id, logins.c.expires_ms > now_ms)
        return frozenset(self._connection.execute(found.distinct()).scalars()) - {""}

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return ids_by_user(self._connection, _login_ids, user_ids)

    def account_record(self, email: str) -> AccountRecord | None:
        return self._account_record(accounts.c.email == email)

    def account_record_of(self, user_id: str) -> AccountRecord | None:
        return self._account_record(accounts.c.user_id == user_id)

    def _account_record(self, condition: ColumnElement[bool]) -> AccountRecord | None:
        joined = select(users, accounts.c.password_hash).join(accounts, accounts.c.user_id == users.c.id)
        row = self._connection.execute(joined.where(condition)).one_or_none()
        return None if row is None else AccountRecord(to_user(row), row.password_hash)


class AccountChanges(Changes):
    """The part of `core.ports.transaction.Transaction` that is about accounts and logins."""

    def account(self, email: str) -> Account | None:
        return self._account(accounts.c.email == email)

    def account_of(self, user_id: str) -> Account | None:
        return self._account(accounts.c.user_id == user_id)

    def _account(self, condition: ColumnElement[bool]) -> Account | None:
        row = self._workspace.connection.execute(select(accounts).where(condition)).one_or_none()
        return None if row is None else _to_account(row)

    def login(self, session_id: str) -> LoginSession | None:
        row = self._workspace.connection.execute(select(logins).where(logins.c.id == session_id)).one_or_none()
        return None if row is None else _to_login(row)

    def logins_of(self, user_id: str) -> Sequence[LoginSession]:
        found = select(logins).where(logins.c.user_id == user_id).order_by(logins.c.id)
        return [_to_login(row) for row in self._workspace.connection.execute(found)]

    def put_account(self, account: Account) -> None:
        self._workspace.connection.execute(delete(accounts).where(accounts.c.user_id == account.user_id))
        self._workspace.connection.execute(insert(accounts), asdict(account))

    def put_login(self, session: LoginSession) -> None:
        self.drop_login(session.id)
        self._workspace.connection.execute(insert(logins), asdict(session))

    def drop_login(self, session_id: str) -> None:
        self._workspace.connection.execute(delete(logins).where(logins.c.id == session_id))

    def drop_expired_logins(self, user_id: str) -> None:
        expired = logins.c.user_id == user_id, logins.c.expires_ms <= self._workspace.now_ms
        self._workspace.connection.execute(delete(logins).where(*expired))


def _login_ended(workspace: Workspace, event: LoginEnded) -> None:
    """Ends the device's pushes. The row of the login is deleted by `drop_login`."""
    drop_subscriptions(workspace.connection, push_subscriptions.c.session_id == event.session_id)


PROJECTIONS: Projections = MappingProxyType({LoginOpened: nothing, LoginRenewed: nothing, LoginEnded: _login_ended})
