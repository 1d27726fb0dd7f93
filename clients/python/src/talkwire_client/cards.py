"""The calls that ask the readers of a message to decide, and decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from talkwire_client.api import FOR_EVER_S, Request, path, without_none
from talkwire_client.messages import MessageCalls
from talkwire_client.payloads import AskedCard, Attachment, File, SeenCard, SignedReceipt, WaitingCards

WAIT_S = 30
"""Seconds for which the server holds a request for a card that is open. They could be 60, at which many proxies give
up."""

ROUND_S = 1.0
"""Shortest time between two requests for a card, in seconds, for answers that come early, as from a server that
stops."""


class CardCalls(MessageCalls):
    """The client's methods for messages, and for the cards in them. `sender_id` names the user for whom the
    application's back end acts.
    """

    async def ask(
        self,
        conversation_id: str,
        card: AskedCard | Mapping[str, Any],
        *,
        client_message_id: str,
        timeout_s: float | None = None,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        reply_to_id: str | None = None,
        thread_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        generated: Mapping[str, str] | None = None,
        on_behalf_of: str | None = None,
        sender_id: str | None = None,
    ) -> SeenCard:
        """Sends a message with a card, waits until its decision has ended, and returns the card.

        How it has ended is its `outcome`: only `decided` has an `actionId`, and perhaps an `input`.

        It waits however long that takes, also while the server cannot be reached. A program that was restarted waits
        for the same decision with the same arguments, among them the `client_message_id`, which is unique for the
        sender in the conversation; if the decision has ended, this returns at once. Another card with that id raises
        `TalkwireError` with the code `conflict`, so a card's `expiresAt` must be the same too.

        After `timeout_s` seconds this raises `TimeoutError`. That leaves the card open, as cancelling the task does.
        """
        async with asyncio.timeout(timeout_s):
            message = await self.send(
                conversation_id,
                card=card,
                client_message_id=client_message_id,
                attachments=attachments,
                reply_to_id=reply_to_id,
                thread_id=thread_id,
                metadata=metadata,
                generated=generated,
                on_behalf_of=on_behalf_of,
                sender_id=sender_id,
            )
            return await self._ended(message["id"])

    async def card(self, message_id: str) -> SeenCard:
        """Returns the card of a message, with what the user has chosen."""
        found: SeenCard = await self._api.get(path("messages", message_id, "card"))
        return found

    async def waiting_cards(self, *, limit: int = 50) -> WaitingCards:
        """Returns the newest open cards that wait for the user's choice, and how many there are, without polls. `limit`
        is at most 100.
        """
        found: WaitingCards = await self._api.get(path("cards"), open="mine", limit=limit)
        return found

    async def choose(
        self,
        message_id: str,
        action_ids: Sequence[str],
        *,
        input: Mapping[str, str | float | bool] | None = None,  # noqa: A002 (the API's name)
        comment: str | None = None,
        sender_id: str | None = None,
    ) -> SeenCard:
        """Chooses actions of a card, and returns the card. `input` fills in the action's form, and `comment` says why.

        In a poll they replace the user's earlier choice, and none takes it back. Of other cards a user chooses one
        action, and that is final.
        """
        body = {"actionIds": list(action_ids), "input": input, "comment": comment, "senderId": sender_id}
        return await self._change(message_id, (), without_none(body))

    async def close_card(self, message_id: str) -> SeenCard:
        """Closes a poll, as its author or a moderator of the conversation, and returns the card."""
        return await self._change(message_id, ("close",))

    async def cancel_card(self, message_id: str) -> SeenCard:
        """Cancels a card, as its author, the owner of the agent that wrote it, or the application's back end. Returns
        the card.
        """
        return await self._change(message_id, ("cancel",))

    async def card_receipt(self, message_id: str) -> str:
        """Returns the signed receipt of a decision that has ended: a compact JWS (ES256), whose keys are at
        `/.well-known/talkwire-receipts.json`.
        """
        signed: SignedReceipt = await self._api.get(path("messages", message_id, "card", "receipt"))
        return signed["receipt"]

    async def _change(self, message_id: str, action: Sequence[str], body: object = None) -> SeenCard:
        changed: SeenCard = await self._api.call("POST", path("messages", message_id, "card", *action), body)
        return changed

    async def _ended(self, message_id: str) -> SeenCard:
        """Returns the card of a message when its decision has ended."""
        request = Request("GET", path("messages", message_id, "card"), params={"wait": WAIT_S}, read_s=WAIT_S + 30.0)
        while True:  # Suspends: each round sends a request.
            asked_at = time.monotonic()
            card: SeenCard = (await self._api.send(request, FOR_EVER_S)).json()
            if card["state"] != "open":
                return card
            await asyncio.sleep(asked_at + ROUND_S - time.monotonic())
