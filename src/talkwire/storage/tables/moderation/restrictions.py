"""The table of restrictions: mutes and bans of users in conversations, set by moderators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

from msgspec.structs import asdict
from sqlalchemy import delete, insert, select

from talkwire.core.commands.server.timers import CONVERSATION_BAN_TIMER, MUTE_TIMER, restriction_key
from talkwire.core.domain.events import MemberRestricted, MemberUnrestricted
from talkwire.core.domain.model import FOR_EVER_MS, Restriction, RestrictionKind
from talkwire.storage.schema import restrictions
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.members import change_member, find_member
from talkwire.storage.tables.projection import Projections
from talkwire.storage.tables.timers import set_timer
from talkwire.storage.workspace import Workspace

_of_users = PreparedStatement(
    select(restrictions)
    .select_from(KEYS)
    .join(restrictions, (restrictions.c.conversation_id == key_text(0)) & (restrictions.c.user_id == key_text(1)))
)


def _to_restriction(row: AnyRow) -> Restriction:
    return Restriction(row.conversation_id, row.user_id, row.kind, row.until_ms, row.by, row.reason)


class RestrictionRows(Reads):
    """Reads mutes and bans of users in conversations. Implements `core.ports.stores.Restrictions`."""

    def find(self, conversation_id: str, user_id: str, kind: RestrictionKind) -> Restriction | None:
        found = self.on_users(conversation_id, (user_id,))
        return next((restriction for restriction in found if restriction.kind == kind), None)

    def on_users(self, conversation_id: str, user_ids: Collection[str]) -> Sequence[Restriction]:
        return self.of_keys([(conversation_id, user_id) for user_id in user_ids])

    def of_keys(self, keys: Collection[tuple[str, str]]) -> Sequence[Restriction]:
        return [_to_restriction(row) for row in _of_users.rows(self._connection, **keys_parameter(keys))]

    def of_conversation(
        self, conversation_id: str, kind: RestrictionKind, now_ms: int, after_id: str | None, limit: int
    ) -> Sequence[Restriction]:
        statement = select(restrictions).where(
            restrictions.c.conversation_id == conversation_id,
            restrictions.c.kind == kind,
            restrictions.c.until_ms > now_ms,
        )
        if after_id is not None:
            statement = statement.where(restrictions.c.user_id > after_id)
        rows = self._connection.execute(statement.order_by(restrictions.c.user_id).limit(limit))
        return [_to_restriction(row) for row in rows]


# --- events -----------------------------------------------------------------------------------------------------------


def _restricted(workspace: Workspace, event: MemberRestricted) -> None:
    _drop(workspace, event)
    workspace.connection.execute(insert(restrictions), asdict(event.restriction))
    until_ms = event.restriction.until_ms
    _time(workspace, event.restriction, None if until_ms == FOR_EVER_MS else until_ms)
    _mute(workspace, event, event.restriction.until_ms)


def _unrestricted(workspace: Workspace, event: MemberUnrestricted) -> None:
    _drop(workspace, event)
    _time(workspace, event.restriction, None)
    _mute(workspace, event, 0)


def _time(workspace: Workspace, restriction: Restriction, until_ms: int | None) -> None:
    """Sets the timer that ends a restriction at `until_ms`, or removes it for None."""
    kind = CONVERSATION_BAN_TIMER if restriction.kind == "ban" else MUTE_TIMER
    set_timer(workspace, kind, restriction_key(restriction.conversation_id, restriction.user_id), until_ms)


def _drop(workspace: Workspace, event: MemberRestricted | MemberUnrestricted) -> None:
    restriction = event.restriction
    workspace.connection.execute(
        delete(restrictions).where(
            restrictions.c.conversation_id == restriction.conversation_id,
            restrictions.c.user_id == restriction.user_id,
            restrictions.c.kind == restriction.kind,
        )
    )


def _mute(workspace: Workspace, event: MemberRestricted | MemberUnrestricted, until_ms: int) -> None:
    """Stores until when a member is muted (milliseconds since 1970, 0 for not) in the member's row of `members` as
    well, since sending a message checks only this row. Does nothing for a ban, and for users who are not members."""
    restriction = event.restriction
    if restriction.kind != "mute":
        return
    if find_member(workspace, restriction.conversation_id, restriction.user_id) is not None:
        change_member(workspace, restriction.conversation_id, restriction.user_id, muted_until_ms=until_ms)


PROJECTIONS: Projections = MappingProxyType({MemberRestricted: _restricted, MemberUnrestricted: _unrestricted})
