"""The table of offers, the prices that members propose in conversations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import asdict, replace
from sqlalchemy import ColumnElement, Connection, and_, exists, insert, select, text, update

from talkwire.core.commands.server.timers import OFFER_TIMER
from talkwire.core.domain.events import Durable, OfferCreated, OfferUpdated
from talkwire.core.domain.log.positions import id_at, pos_of
from talkwire.core.domain.model import Offer
from talkwire.core.domain.search.search_terms import SearchScope
from talkwire.storage.schema import NOTICED, conversations, log, members, offers
from talkwire.storage.sql.ids import sql_pos_of
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.conversations import change_conversation
from talkwire.storage.tables.log import data_of, to_events
from talkwire.storage.tables.projection import Projections
from talkwire.storage.tables.timers import set_timer
from talkwire.storage.workspace import Workspace


def _values(offer: Offer) -> dict[str, object]:
    return asdict(offer) | {"metadata": to_json(offer.metadata)}


def _to_offer(row: AnyRow) -> Offer:
    return Offer(
        id=row.id,
        conversation_id=row.conversation_id,
        author_id=row.author_id,
        title=row.title,
        amount=row.amount,
        currency=row.currency,
        status=row.status,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        description=row.description,
        expires_ms=row.expires_ms,
        counter_of=row.counter_of,
        metadata=from_json(row.metadata),
        closed_by=row.closed_by,
        deleted_ms=row.deleted_ms,
        deleted_by=row.deleted_by,
        title_by=row.title_by,
        description_by=row.description_by,
    )


class OfferRows(Reads):
    """Reads offers (prices that members propose). Implements `core.ports.stores.Offers`."""

    def find(self, offer_id: int) -> Offer | None:
        row = self._connection.execute(select(offers).where(offers.c.id == offer_id)).one_or_none()
        return None if row is None else _to_offer(row)

    def of_conversation(
        self, conversation_id: str, after_pos: int, before_id: int | None, limit: int
    ) -> Sequence[Offer]:
        statement = select(offers).where(offers.c.conversation_id == conversation_id, offers.c.id > id_at(after_pos))
        if before_id is not None:
            statement = statement.where(offers.c.id < before_id)
        rows = self._connection.execute(statement.order_by(offers.c.id.desc()).limit(limit))
        return [_to_offer(row) for row in rows]

    def in_scope(self, scope: SearchScope, before_id: int | None, limit: int) -> Sequence[Offer]:
        statement = select(offers).where(offers.c.deleted_ms.is_(None), *_conditions(scope))
        if scope.member_id is None:
            in_conversation = conversations.c.id == offers.c.conversation_id
            statement = statement.where(exists().where(in_conversation, conversations.c.deleted_ms.is_(None)))
        else:
            seen = and_(
                members.c.conversation_id == offers.c.conversation_id,
                members.c.history_pos < sql_pos_of(offers.c.id),
            )
            statement = statement.join(members, seen).where(members.c.user_id == scope.member_id)
        if before_id is not None:
            statement = statement.where(offers.c.id < before_id)
        rows = self._connection.execute(statement.order_by(offers.c.id.desc()).limit(limit))
        return [_to_offer(row) for row in rows]

    def by_id(self, offer_ids: Collection[int]) -> Mapping[int, Offer]:
        if not offer_ids:
            return {}
        rows = self._connection.execute(select(offers).where(offers.c.id.in_(offer_ids)))
        return {row.id: _to_offer(row) for row in rows}


def _conditions(scope: SearchScope) -> Iterator[ColumnElement[bool]]:
    """Yields the SQL conditions that an offer (a proposed price) lies within the search's conversation, author and
    time."""
    if scope.conversation_id is not None:
        yield offers.c.conversation_id == scope.conversation_id
    if scope.sender_id is not None:
        yield offers.c.author_id == scope.sender_id
    if scope.after_ms is not None:
        yield offers.c.created_ms >= scope.after_ms
    if scope.before_ms is not None:
        yield offers.c.created_ms < scope.before_ms


def _created(workspace: Workspace, event: OfferCreated) -> None:
    workspace.connection.execute(insert(offers), _values(event.offer))
    _time(workspace, event.offer)
    change_conversation(workspace, event.offer.conversation_id, offer_pos=event.pos)


def _updated(workspace: Workspace, event: OfferUpdated) -> None:
    changed = update(offers).where(offers.c.id == event.offer.id)
    workspace.connection.execute(changed.values(**_values(event.offer)))
    _time(workspace, event.offer)
    if event.offer.deleted_ms is not None:
        _forget_texts(workspace.connection, event.offer)


def _time(workspace: Workspace, offer: Offer) -> None:
    """Sets the timer that ends a pending offer (a proposed price), and removes that of another one."""
    if offer.expires_ms is not None:
        set_timer(workspace, OFFER_TIMER, str(offer.id), offer.expires_ms if offer.status == "pending" else None)


def _forget_texts(connection: Connection, offer: Offer) -> None:
    """Removes the texts of a deleted offer (a proposed price) from the events of the log that are about it."""
    created_pos = pos_of(offer.id)
    # The index is spelt like this.
    changed = text(NOTICED), log.c.conversation_id == offer.conversation_id, log.c.type == OfferUpdated.__name__
    for condition in ((log.c.pos == created_pos,), (*changed, log.c.pos > created_pos)):
        for event in to_events(connection.execute(select(log).where(*condition)).all()):
            left = _without_texts_of(event, {offer.id})
            if left is not event:
                connection.execute(update(log).where(log.c.pos == event.pos).values(data=data_of(left)))


def without_deleted_texts(events: list[Durable]) -> list[Durable]:
    """Returns a transaction's events without the texts of the offers (proposed prices) that it deletes."""
    ids = {event.offer.id for event in events if isinstance(event, OfferUpdated) and event.offer.deleted_ms is not None}
    return [_without_texts_of(event, ids) for event in events] if ids else events


def _without_texts_of(event: Durable, offer_ids: Collection[int]) -> Durable:
    if isinstance(event, OfferCreated | OfferUpdated) and event.offer.id in offer_ids:
        return replace(event, offer=event.offer.without_texts())
    return event


PROJECTIONS: Projections = MappingProxyType({OfferCreated: _created, OfferUpdated: _updated})
