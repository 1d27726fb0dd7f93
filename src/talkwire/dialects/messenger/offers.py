"""Events of the messenger dialect about offers: prices that members of a conversation propose to each other."""

from __future__ import annotations

from talkwire.core.domain.events import Event, OfferCreated, OfferUpdated
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.messages import offers, search
from talkwire.operations.moderation import reports
from talkwire.payloads.offers import OfferPayload, offer_payload


def _offer(event: OfferCreated | OfferUpdated) -> OfferPayload:
    return offer_payload(event.offer)


INBOUND = events_of((*offers.CHANGES, reports.REPORT_OFFER, search.SEARCH_OFFERS, offers.LIST_OFFERS))

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    OfferCreated: (Outbound("offer:new", _offer, summary="A price offer was made in a conversation."),),
    OfferUpdated: (
        Outbound(
            "offer:updated",
            _offer,
            summary="A price offer was accepted, rejected, withdrawn, countered or deleted, or it expired.",
        ),
    ),
}
