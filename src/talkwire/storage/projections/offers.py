"""Offers."""

from __future__ import annotations

from types import MappingProxyType

from sqlalchemy import insert, update

from talkwire.core.domain.events import OfferCreated, OfferUpdated
from talkwire.storage.projections.projection import Projections
from talkwire.storage.schema import offers
from talkwire.storage.tables.offers import offer_values
from talkwire.storage.workspace import Workspace


def _created(workspace: Workspace, event: OfferCreated) -> None:
    workspace.connection.execute(insert(offers), offer_values(event.offer))


def _updated(workspace: Workspace, event: OfferUpdated) -> None:
    values = offer_values(event.offer)
    workspace.connection.execute(update(offers).where(offers.c.id == event.offer.id).values(**values))


PROJECTIONS: Projections = MappingProxyType({OfferCreated: _created, OfferUpdated: _updated})
