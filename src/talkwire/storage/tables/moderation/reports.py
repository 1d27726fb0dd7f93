"""The table of reports, in which users report messages to moderators."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, insert, literal_column, or_, select, update

from talkwire.core.domain.events import ReportCreated, ReportDecided
from talkwire.core.domain.moderation.reports import ERASED_REASON, MessageReport, ReportState
from talkwire.storage.schema import reports
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Workspace

# Written out: PostgreSQL takes no partial index for a parameter.
_is_open = reports.c.state == literal_column("'open'")
_FIELDS = MessageReport.__struct_fields__


class ReportRows(Reads):
    """Reads reports of messages. Implements `core.ports.stores.Reports`."""

    def find(self, report_id: str) -> MessageReport | None:
        return self._one(reports.c.id == report_id)

    def open_of(self, message_id: int, reporter_id: str) -> MessageReport | None:
        return self._one(reports.c.message_id == message_id, reports.c.reporter_id == reporter_id, _is_open)

    def page(self, state: ReportState | None, before_id: str | None, limit: int) -> Sequence[MessageReport]:
        statement = select(reports)
        if state is not None:
            statement = statement.where(reports.c.state == state)
        if before_id is not None:
            statement = statement.where(reports.c.id < before_id)
        # All ids have the same length, so the order of texts is that of the log.
        rows = self._connection.execute(statement.order_by(reports.c.id.desc()).limit(limit))
        return [_to_report(row) for row in rows]

    def _one(self, *conditions: ColumnElement[bool]) -> MessageReport | None:
        row = self._connection.execute(select(reports).where(*conditions)).one_or_none()
        return None if row is None else _to_report(row)


def _to_report(row: AnyRow) -> MessageReport:
    values = {name: getattr(row, name) for name in _FIELDS}
    return MessageReport(**values | {"copied_from": tuple(from_json(row.copied_from))})


def _values(report: MessageReport) -> dict[str, object]:
    return asdict(report) | {"copied_from": to_json(report.copied_from)}


def _created(workspace: Workspace, event: ReportCreated) -> None:
    workspace.connection.execute(insert(reports), _values(event.report))


def _decided(workspace: Workspace, event: ReportDecided) -> None:
    changed = _values(event.report) | {"decided_pos": event.pos}
    workspace.connection.execute(update(reports).where(reports.c.id == event.report.id).values(changed))


def forget_user(connection: Connection, user_id: str) -> None:
    """Removes an erased user's texts from reports: the reasons and notes that the user gave as a reporter, the
    reported texts that the user wrote, and the texts of decisions by the user or on reports by or about the user."""
    own = reports.c.reporter_id == user_id
    connection.execute(update(reports).where(own).values(reason=ERASED_REASON, note=None))
    copied = reports.c.copied_from.contains(to_json(user_id) or "", autoescape=True)
    _forget_content(connection, or_(reports.c.author_id == user_id, copied))
    concerned = or_(own, reports.c.author_id == user_id, reports.c.decided_by == user_id)
    connection.execute(update(reports).where(concerned, reports.c.decision.is_not(None)).values(decision=None))


def forget_messages(connection: Connection, message_ids: Sequence[int]) -> None:
    """Removes the texts of these messages from the open reports of them, because the messages are not kept any longer.
    Decided reports have no text."""
    _forget_content(connection, reports.c.message_id.in_(message_ids))


def forget_old(connection: Connection, before_ms: int, *conditions: ColumnElement[bool]) -> None:
    """Removes the messages' texts from open reports created before `before_ms` (milliseconds since 1970) that meet the
    SQL `conditions` on `reports`, also if the message has been deleted since."""
    _forget_content(connection, reports.c.created_ms < before_ms, *conditions)


def _forget_content(connection: Connection, *conditions: ColumnElement[bool]) -> None:
    # Only open reports have the text.
    connection.execute(update(reports).where(_is_open, *conditions).values(content=None, copied_from="[]"))


PROJECTIONS: Projections = MappingProxyType({ReportCreated: _created, ReportDecided: _decided})
