"""`/api/v1/offers`, and the offers of a conversation."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.offers import GetOffer, ListOffers, UpdateOffer
from talkwire.dialects.payloads.offers import (
    CounterOfferPayload,
    NewOfferPayload,
    OfferDecisionPayload,
    OfferPayload,
    offer_payload,
    to_counter_offer,
    to_create_offer,
)

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


@post("/conversations/{conversation_id:str}/offers", summary="Make an offer to the other members")
async def create_offer(
    conversation_id: FromPath[str],
    data: JSONBody[NewOfferPayload],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, to_create_offer(conversation_id, data), key))


@get("/conversations/{conversation_id:str}/offers", summary="List a conversation's offers, newest first")
async def list_offers(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[OfferPayload]:
    page = await chat.execute(caller.actor, ListOffers(conversation_id, cursor, limit))
    return ListAnswer(tuple(map(offer_payload, page.items)), page.next)


@get("/offers/{offer_id:str}", summary="Get an offer")
async def get_offer(offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, GetOffer(offer_id)))


@patch("/offers/{offer_id:str}", summary="Accept, reject or withdraw an offer")
async def update_offer(
    offer_id: FromPath[str], data: JSONBody[OfferDecisionPayload], caller: GivenCaller, chat: GivenChat
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, data.status, data.sender_id)))


@post("/offers/{offer_id:str}/accept", status_code=HTTP_200_OK, summary="Accept an offer")
async def accept_offer(offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, "accepted"), key))


@post("/offers/{offer_id:str}/reject", status_code=HTTP_200_OK, summary="Reject an offer")
async def reject_offer(offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, "rejected"), key))


@post("/offers/{offer_id:str}/withdraw", status_code=HTTP_200_OK, summary="Withdraw the caller's own offer")
async def withdraw_offer(offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, "withdrawn"), key))


@post("/offers/{offer_id:str}/counter", summary="Replace another member's offer with a new one")
async def counter_offer(
    offer_id: FromPath[str],
    data: JSONBody[CounterOfferPayload],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, to_counter_offer(offer_id, data), key))


offers_router = Router(
    "/",
    route_handlers=[
        create_offer,
        list_offers,
        get_offer,
        update_offer,
        accept_offer,
        reject_offer,
        withdraw_offer,
        counter_offer,
    ],
    tags=["offers"],
)
