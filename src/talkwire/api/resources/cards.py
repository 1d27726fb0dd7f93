"""Routes of cards: what waits for the caller, waiting for a decision, and receipts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.params import FromPath, QueryParameter

from talkwire.api.http.caller import end_of
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenReceiptKeys, GivenStreamWatches
from talkwire.api.http.methods import BODILESS
from talkwire.api.operation_routes import routes_of
from talkwire.api.site import GivenSite
from talkwire.core.commands.cards.deciding import CardReceipt, GetCard, GetReceipt, ListWaitingCards, SeenCard
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.messages import cards
from talkwire.payloads.cards.cards import (
    SeenCardPayload,
    SignedReceiptPayload,
    WaitingCardsPayload,
    receipt_claims,
    seen_card_payload,
    waiting_cards_payload,
)

DECISION_WAIT_MAX_S = 60
"""Longest time that a request may wait for the decision of a card, in seconds."""

KEYS_PATH = "/.well-known/talkwire-receipts.json"
"""Path of the keys by which receipts of decisions are checked."""

Wait = Annotated[
    int,
    QueryParameter(
        name="wait", ge=0, le=DECISION_WAIT_MAX_S, description="Seconds to wait while the decision has not ended"
    ),
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=PAGE_MAX, description="The number of items in a page")]
Open = Annotated[Literal["mine"], QueryParameter(name="open", description="`mine`: those that wait for the caller")]


async def get_card(  # noqa: PLR0913, PLR0917 (Litestar passes them by name)
    caller: GivenCaller,
    chat: GivenChat,
    stream_watches: GivenStreamWatches,
    request: Request[Any, Any, Any],
    message_id: FromPath[str],
    wait: Wait = 0,
) -> SeenCardPayload:
    seen: SeenCard = await chat.execute(caller.actor, GetCard(message_id))
    if not wait or request.state.get(BODILESS):
        return seen_card_payload(seen)
    with stream_watches.open(caller.actor, caller.session_id, seen.message) as watch:
        seen = await chat.execute(caller.actor, GetCard(message_id))  # it may have ended meanwhile
        if _is_open(seen):
            until_s = min(asyncio.get_running_loop().time() + wait, end_of(caller))
            await watch.wait(stream_watches.until(until_s))
            seen = await chat.execute(caller.actor, GetCard(message_id))
    return seen_card_payload(seen)


def _is_open(seen: SeenCard) -> bool:
    return seen.message.card is not None and seen.message.card.is_open


async def list_waiting_cards(
    caller: GivenCaller,
    chat: GivenChat,
    open_: Open = "mine",  # noqa: ARG001 (the only choice)
    limit: Limit = 50,
) -> WaitingCardsPayload:
    return waiting_cards_payload(await chat.execute(caller.actor, ListWaitingCards(limit)))


async def _signed(
    receipt: CardReceipt,
    _command: GetReceipt,
    _caller: Caller,
    _chat: LimitedChat,
    receipt_keys: GivenReceiptKeys,
    site: GivenSite,
) -> SignedReceiptPayload:
    assert receipt_keys is not None, "a server that answers requests has keys"
    return SignedReceiptPayload(await receipt_keys.sign(receipt_claims(receipt, site)))


card_routes = routes_of(
    cards.OPERATIONS,
    handlers={"GET /messages/{message_id}/card": get_card, "GET /cards": list_waiting_cards},
    answers={"GET /messages/{message_id}/card/receipt": _signed},
)


@get(KEYS_PATH, include_in_schema=False)
async def show_receipt_keys(receipt_keys: GivenReceiptKeys) -> Response[dict[str, Any]]:
    assert receipt_keys is not None, "a server that answers requests has keys"
    return Response(await receipt_keys.public(), headers={"cache-control": "public, max-age=300"})
