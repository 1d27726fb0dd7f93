"""Migration: stores who wrote the texts that counter-offers and reports have copied, so that the texts can be erased
with the user who wrote them.

An existing counter-offer has the texts of the offer that it counters where these are equal. Counter-offers and reports
that the previous version creates during the upgrade are not covered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

ROWS_AT_ONCE = 500
"""Number of rows that are read at once."""

MESSAGE_ID_BASE = 10**12
"""Number that a message's id is larger than the log position of the message."""

REPORT_ID_BASE = 8 * 10**15
"""Number that a report's id is larger than the log position of the report."""

NOTICED = (
    "type IN ('CallRecorded', 'ConversationUpdated', 'MemberAdded', 'MemberRemoved', 'MemberUpdated', 'OfferUpdated')"
)

_OFFERS = sa.table(
    "offers",
    *map(sa.column, ("id", "conversation_id", "counter_of", "author_id", "title", "description")),
    *map(sa.column, ("title_by", "description_by")),
)
_REPORTS = sa.table("reports", *map(sa.column, ("id", "message_id", "content", "copied_from")))
_MESSAGES = sa.table("messages", sa.column("id"), sa.column("extra"))
_LOG = sa.table("log", *map(sa.column, ("pos", "type", "conversation_id", "data")))


def upgrade() -> None:
    op.add_column("offers", sa.Column("title_by", sa.Text))
    op.add_column("offers", sa.Column("description_by", sa.Text))
    op.add_column("reports", sa.Column("copied_from", sa.Text, nullable=False, server_default=sa.text("'[]'")))
    _fill_offers()
    _fill_reports()


def _pages(page: sa.Select[Any], key: sa.ColumnElement[Any]) -> Iterator[Any]:
    """Yields all rows of a query in the order of `key`, its first column, ROWS_AT_ONCE at a time."""
    page = page.order_by(key).limit(ROWS_AT_ONCE)
    rows = op.get_bind().execute(page).all()
    while rows:
        yield from rows
        rows = op.get_bind().execute(page.where(key > rows[-1][0])).all()


def _fill_offers() -> None:
    """An offer has a lower id than its counter-offer, so its writers are stored before they are needed."""
    first = _OFFERS.alias("first")
    title_by = sa.func.coalesce(first.c.title_by, first.c.author_id)
    description_by = sa.func.coalesce(first.c.description_by, first.c.author_id)
    copied = sa.select(
        _OFFERS.c.id,
        _OFFERS.c.conversation_id,
        sa.case(((_OFFERS.c.title == first.c.title) & (title_by != _OFFERS.c.author_id), title_by)).label("title_by"),
        sa.case(
            ((_OFFERS.c.description == first.c.description) & (description_by != _OFFERS.c.author_id), description_by)
        ).label("description_by"),
    ).join_from(_OFFERS, first, first.c.id == _OFFERS.c.counter_of)
    for (offer_id,) in _pages(sa.select(_OFFERS.c.id).where(_OFFERS.c.counter_of.is_not(None)), _OFFERS.c.id):
        offer = op.get_bind().execute(copied.where(_OFFERS.c.id == offer_id)).one_or_none()
        if offer is None or (offer.title_by is None and offer.description_by is None):
            continue
        writers = {"title_by": offer.title_by, "description_by": offer.description_by}
        op.get_bind().execute(sa.update(_OFFERS).where(_OFFERS.c.id == offer_id).values(**writers))
        created = _LOG.c.pos == offer_id - MESSAGE_ID_BASE
        of_conversation = sa.text(NOTICED), _LOG.c.conversation_id == offer.conversation_id
        _change_events(_rows(created), "offer", offer_id, writers)
        _change_events(_rows(*of_conversation, _LOG.c.type == "OfferUpdated"), "offer", offer_id, writers)


def _fill_reports() -> None:
    found = sa.select(_REPORTS.c.id, _REPORTS.c.message_id)
    for report_id, message_id in _pages(found, _REPORTS.c.id):
        writers = _writers_of(message_id)
        if writers:
            copied_from = json.dumps(writers, ensure_ascii=False, separators=(",", ":"))
            open_report = _REPORTS.c.id == report_id, _REPORTS.c.content.is_not(None)
            op.get_bind().execute(sa.update(_REPORTS).where(*open_report).values(copied_from=copied_from))
            created = _LOG.c.pos == int(report_id) - REPORT_ID_BASE
            _change_events(_rows(created), "report", report_id, {"copied_from": writers})


def _writers_of(message_id: int) -> list[str]:
    """Returns the ids of the users, other than the author, who wrote the text of a message or of an offer."""
    writers = sa.select(_OFFERS.c.title_by, _OFFERS.c.description_by).where(_OFFERS.c.id == message_id)
    offer = op.get_bind().execute(writers).one_or_none()
    if offer is not None:
        return [each for each in offer if each is not None]
    stored = sa.select(_MESSAGES.c.extra).where(_MESSAGES.c.id == message_id)
    extra = op.get_bind().execute(stored).scalar_one_or_none()
    origin = json.loads(extra or "{}").get("forwarded_from")
    return [origin["sender_id"]] if origin else []


def _rows(*conditions: sa.ColumnElement[bool] | sa.TextClause) -> Iterator[Any]:
    return _pages(sa.select(_LOG.c.pos, _LOG.c.data).where(_LOG.c.data.is_not(None), *conditions), _LOG.c.pos)


def _change_events(rows: Iterable[Any], field: str, subject_id: object, values: dict[str, Any]) -> None:
    """Sets values of an offer or a report in those of these events that are about it."""
    for pos, data in rows:
        event = json.loads(data)
        if event.get(field, {}).get("id") == subject_id:
            event[field] |= values
            changed = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
            op.get_bind().execute(sa.update(_LOG).where(_LOG.c.pos == pos).values(data=changed))
