"""Routes of `/api/v1/offers` and of a conversation's offers: prices that one member proposes to the others."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.caller import ActingUserId
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.offers import DeleteOffer, GetOffer, ListOffers, UpdateOffer
from talkwire.payloads.offers import (
    CounterOfferPayload,
    NewOfferPayload,
    OfferDecisionPayload,
    OfferPayload,
    offer_payload,
    to_counter_offer,
    to_create_offer,
)

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


@post("/conversations/{conversation_id:str}/offers", summary="Make a price offer to the other members")
async def create_offer(
    conversation_id: FromPath[str],
    data: JSONBody[NewOfferPayload],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, to_create_offer(conversation_id, data), key))


@get("/conversations/{conversation_id:str}/offers", summary="List a conversation's price offers, newest first")
async def list_offers(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[OfferPayload]:
    page = await chat.execute(caller.actor, ListOffers(conversation_id, cursor, limit))
    return ListAnswer(tuple(map(offer_payload, page.items)), page.next)


@get("/offers/{offer_id:str}", summary="Get a price offer")
async def get_offer(offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, GetOffer(offer_id)))


@patch("/offers/{offer_id:str}", summary="Accept, reject or withdraw a price offer")
async def update_offer(
    offer_id: FromPath[str], data: JSONBody[OfferDecisionPayload], caller: GivenCaller, chat: GivenChat
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, data.status, data.sender_id)))


@post("/offers/{offer_id:str}/accept", status_code=HTTP_200_OK, summary="Accept a price offer")
async def accept_offer(
    offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey, sender_id: ActingUserId = None
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, "accepted", sender_id), key))


@post("/offers/{offer_id:str}/reject", status_code=HTTP_200_OK, summary="Reject a price offer")
async def reject_offer(
    offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey, sender_id: ActingUserId = None
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, "rejected", sender_id), key))


@post("/offers/{offer_id:str}/withdraw", status_code=HTTP_200_OK, summary="Withdraw the caller's own price offer")
async def withdraw_offer(
    offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey, sender_id: ActingUserId = None
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, UpdateOffer(offer_id, "withdrawn", sender_id), key))


@post(
    "/offers/{offer_id:str}/counter", summary="Reply to another member's price offer with a new one, which replaces it"
)
async def counter_offer(
    offer_id: FromPath[str],
    data: JSONBody[CounterOfferPayload],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
) -> OfferPayload:
    return offer_payload(await chat.execute(caller.actor, to_counter_offer(offer_id, data), key))


@delete(
    "/offers/{offer_id:str}",
    summary="Delete another member's price offer (for moderators)",
    description="The texts are removed; a pending offer is withdrawn. Its author can only withdraw it.",
)
async def delete_offer(offer_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, DeleteOffer(offer_id))


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
        delete_offer,
    ],
    tags=["offers"],
)
