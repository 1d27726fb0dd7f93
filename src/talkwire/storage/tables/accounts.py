"""Accounts, identities at OpenID providers, and logins (signed-in devices): reads, changes and the effects of events.

Rows of accounts and logins contain hashes of passwords and tokens, which the log's events never contain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Select, delete, insert, select

from talkwire.core.commands.accounts import AccountRecord
from talkwire.core.domain.events import LoginEnded, LoginOpened, LoginRenewed
from talkwire.core.domain.model import Account, LoginSession, ProviderIdentity, ProviderProfile
from talkwire.storage.schema import accounts, logins, provider_identities, push_subscriptions, users
from talkwire.storage.sql.keys import KEYS, key_text
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, to_json
from talkwire.storage.tables.projection import Projections, nothing
from talkwire.storage.tables.push_subscriptions import drop_subscriptions
from talkwire.storage.tables.users import ids_by_user, to_user, write_new_users
from talkwire.storage.workspace import Changes, Workspace

_login_ids: Select[Any] = (
    select(logins.c.user_id, logins.c.id).select_from(KEYS).join(logins, logins.c.user_id == key_text(0))
)

_WAYS_TO_SIGN_IN = (accounts, provider_identities)

_an_admin = select(accounts.c.user_id).where(accounts.c.role == "admin").limit(1)


def _to_account(row: AnyRow) -> Account:
    return Account(row.user_id, row.email, row.password_hash, row.role)


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
        issuer=row.issuer,
    )


_profile = msgspec.json.Decoder(ProviderProfile)


def _to_identity(row: AnyRow) -> ProviderIdentity:
    return ProviderIdentity(row.issuer, row.subject, row.user_id, row.created_ms, _profile.decode(row.profile))


class AccountReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read accounts and logins (signed-in devices).
    `TableSnapshot` inherits them."""

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

    def has_admin(self) -> bool:
        return self._connection.execute(_an_admin).one_or_none() is not None

    def provider_identities_of(self, user_id: str) -> Sequence[ProviderIdentity]:
        found = select(provider_identities).where(provider_identities.c.user_id == user_id)
        ordered = found.order_by(provider_identities.c.issuer, provider_identities.c.subject)
        return [_to_identity(row) for row in self._connection.execute(ordered)]

    def _account_record(self, condition: ColumnElement[bool]) -> AccountRecord | None:
        joined = select(users, accounts.c.password_hash).join(accounts, accounts.c.user_id == users.c.id)
        row = self._connection.execute(joined.where(condition)).one_or_none()
        return None if row is None else AccountRecord(to_user(row), row.password_hash)


class AccountChanges(Changes):
    """The methods of `core.ports.transaction.Transaction` that look up and change accounts and logins (signed-in
    devices). `BatchTransaction` inherits them."""

    def account(self, email: str) -> Account | None:
        return self._account(accounts.c.email == email)

    def account_of(self, user_id: str) -> Account | None:
        return self._account(accounts.c.user_id == user_id)

    def has_admin(self) -> bool:
        return self._workspace.connection.execute(_an_admin).one_or_none() is not None

    def _account(self, condition: ColumnElement[bool]) -> Account | None:
        row = self._workspace.connection.execute(select(accounts).where(condition)).one_or_none()
        return None if row is None else _to_account(row)

    def provider_identity(self, issuer: str, subject: str) -> ProviderIdentity | None:
        key = provider_identities.c.issuer == issuer, provider_identities.c.subject == subject
        row = self._workspace.connection.execute(select(provider_identities).where(*key)).one_or_none()
        return None if row is None else _to_identity(row)

    def users_without_sign_in(self, email: str) -> Sequence[str]:
        write_new_users(self._workspace)
        signs_in = (select(table.c.user_id).where(table.c.user_id == users.c.id) for table in _WAYS_TO_SIGN_IN)
        found = select(users.c.id).where(users.c.email == email, *(~each.exists() for each in signs_in)).limit(2)
        return self._workspace.connection.execute(found).scalars().all()

    def login(self, session_id: str) -> LoginSession | None:
        row = self._workspace.connection.execute(select(logins).where(logins.c.id == session_id)).one_or_none()
        return None if row is None else _to_login(row)

    def logins_of(self, user_id: str) -> Sequence[LoginSession]:
        found = select(logins).where(logins.c.user_id == user_id).order_by(logins.c.id)
        return [_to_login(row) for row in self._workspace.connection.execute(found)]

    def put_account(self, account: Account) -> None:
        self._workspace.connection.execute(delete(accounts).where(accounts.c.user_id == account.user_id))
        self._workspace.connection.execute(insert(accounts), asdict(account))

    def put_provider_identity(self, identity: ProviderIdentity) -> None:
        table, connection = provider_identities, self._workspace.connection
        key = table.c.issuer == identity.issuer, table.c.subject == identity.subject
        connection.execute(delete(table).where(*key))
        connection.execute(insert(table), asdict(identity) | {"profile": to_json(identity.profile)})

    def put_login(self, session: LoginSession) -> None:
        self.drop_login(session.id)
        self._workspace.connection.execute(insert(logins), asdict(session))

    def drop_login(self, session_id: str) -> None:
        self._workspace.connection.execute(delete(logins).where(logins.c.id == session_id))

    def drop_expired_logins(self, user_id: str) -> None:
        expired = logins.c.user_id == user_id, logins.c.expires_ms <= self._workspace.now_ms
        self._workspace.connection.execute(delete(logins).where(*expired))


def _login_ended(workspace: Workspace, event: LoginEnded) -> None:
    """Applies a `LoginEnded` event: deletes the push subscriptions of the device that was signed out. `drop_login`
    deletes the login itself."""
    drop_subscriptions(workspace.connection, push_subscriptions.c.session_id == event.session_id)


PROJECTIONS: Projections = MappingProxyType({LoginOpened: nothing, LoginRenewed: nothing, LoginEnded: _login_ended})
