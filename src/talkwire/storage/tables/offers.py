"""The table of offers, the prices that members propose in conversations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import asdict
from sqlalchemy import insert, select, update

from talkwire.core.domain.events import OfferCreated, OfferUpdated
from talkwire.core.domain.model import MESSAGE_ID_BASE, Offer
from talkwire.storage.schema import offers
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.conversations import change_conversation
from talkwire.storage.tables.projection import Projections
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
    )


class OfferRows(Reads):
    """Reads offers (prices that members propose). Implements `core.ports.stores.Offers`."""

    def find(self, offer_id: int) -> Offer | None:
        row = self._connection.execute(select(offers).where(offers.c.id == offer_id)).one_or_none()
        return None if row is None else _to_offer(row)

    def of_conversation(
        self, conversation_id: str, after_pos: int, before_id: int | None, limit: int
    ) -> Sequence[Offer]:
        statement = select(offers).where(
            offers.c.conversation_id == conversation_id, offers.c.id > MESSAGE_ID_BASE + after_pos
        )
        if before_id is not None:
            statement = statement.where(offers.c.id < before_id)
        rows = self._connection.execute(statement.order_by(offers.c.id.desc()).limit(limit))
        return [_to_offer(row) for row in rows]

    def by_id(self, offer_ids: Collection[int]) -> Mapping[int, Offer]:
        if not offer_ids:
            return {}
        rows = self._connection.execute(select(offers).where(offers.c.id.in_(offer_ids)))
        return {row.id: _to_offer(row) for row in rows}

    def due(self, now_ms: int, limit: int) -> Sequence[Offer]:
        due = select(offers).where(offers.c.status == "pending", offers.c.expires_ms <= now_ms)
        return [_to_offer(row) for row in self._connection.execute(due.order_by(offers.c.expires_ms).limit(limit))]

    def next_due_ms(self) -> int | None:
        pending = select(offers.c.expires_ms).where(offers.c.status == "pending", offers.c.expires_ms.is_not(None))
        return self._connection.execute(pending.order_by(offers.c.expires_ms).limit(1)).scalar_one_or_none()


def _created(workspace: Workspace, event: OfferCreated) -> None:
    workspace.connection.execute(insert(offers), _values(event.offer))
    change_conversation(workspace, event.offer.conversation_id, offer_pos=event.pos)


def _updated(workspace: Workspace, event: OfferUpdated) -> None:
    changed = update(offers).where(offers.c.id == event.offer.id)
    workspace.connection.execute(changed.values(**_values(event.offer)))


PROJECTIONS: Projections = MappingProxyType({OfferCreated: _created, OfferUpdated: _updated})
