"""Sends one push request to a push service or a Matrix gateway, and returns the outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from talkwire.core.commands.server.pushes import DuePush, PushContent
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import PushSubscription
from talkwire.core.domain.notifying.lifetimes import PUSHABLE_MS
from talkwire.egress import BodyReading, EgressClient, EgressError, EgressResponse, parse_retry_after
from talkwire.push.push_content import ContentLevel, encode_dismissal, encode_shown, shown
from talkwire.push.push_gateway import answer_decoder, gateway_dismissal, gateway_notification
from talkwire.push.refusals import REFUSAL_BODY_MAX_BYTES, ends_subscription, is_final, words_of
from talkwire.push.vapid import VapidKeys
from talkwire.push.web_push import CONTENT_MAX_BYTES, URGENT, PushRequest, WebPushMessage, topic_of, web_push_request

Outcome = Literal["sent", "gone", "refused", "failed"]
"""Outcome of a request to a push service. `gone`: the subscription has ended. `refused`: the message can never be sent,
such as one that is too large. `failed`: a later attempt may succeed."""

PUSH_REQUEST_S = 10.0
"""Longest time that a push service may take to answer, in seconds."""

_REASON = BodyReading(0, kept=REFUSAL_BODY_MAX_BYTES)
_ANSWER = BodyReading(64 * 1024)

TOO_LARGE = 413
"""HTTP status of a push service for a message that is too large."""


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """The outcome of one push request. `kind` is `sent`, `gone` (the subscription has ended), `refused` (a retry is
    useless) or `failed` (a retry may succeed). `error` says why, in the push service's words.

    `unreachable`: the push service did not respond. `retry_after_s` is the delay in seconds that its response asks for;
    None if it asks for none.
    """

    kind: Outcome
    error: str | None = None
    retry_after_s: float | None = None
    unreachable: bool = False


_SENT = PushOutcome("sent")


class PushDelivery:
    """Sends pushes to devices over HTTP, by Web Push or through a Matrix gateway.

    `keys` sign Web Push requests. `level` is how much of a notification the server may send: `full`, `sender` or
    `none`.
    """

    def __init__(self, client: EgressClient, keys: VapidKeys, level: ContentLevel) -> None:
        self._client = client
        self._keys = keys
        self._level = level

    async def show(
        self, subscription: PushSubscription, push: DuePush, content: PushContent, badge: int
    ) -> PushOutcome:
        """Sends a notification to a device, with `badge`, the user's number of unread messages, for the app's icon.
        Returns the outcome also if sending failed, instead of raising an error.
        """
        payload = shown(content.notification, badge, self._level)
        if subscription.target.kind == "gateway":
            return await self._notify(subscription, gateway_notification(subscription, content, payload, self._level))
        message = WebPushMessage(
            encode_shown(payload, CONTENT_MAX_BYTES),
            topic_of(subscription.target, push.notification_id),
            _ttl_s(push.at_ms),
            payload.type in URGENT,
        )
        return await self._send(subscription, message)

    async def dismiss(self, subscription: PushSubscription, pushes: Sequence[DuePush], badge: int) -> PushOutcome:
        """Makes a device remove the notifications `pushes`, which the user has read elsewhere, and show `badge`, the
        user's number of unread messages, on the app's icon. Returns the outcome also if sending failed.
        """
        ids = [push.notification_id for push in pushes]
        if subscription.target.kind == "gateway":
            return await self._notify(subscription, gateway_dismissal(subscription, ids, badge))
        # One that the push service has not delivered is replaced, so that the device never shows it.
        topic = topic_of(subscription.target, ids[0]) if len(ids) == 1 else None
        ttl_s = max(_ttl_s(push.at_ms) for push in pushes)
        return await self._send(subscription, WebPushMessage(encode_dismissal(ids, badge), topic, ttl_s))

    async def _send(self, subscription: PushSubscription, message: WebPushMessage) -> PushOutcome:
        try:
            key = await self._keys.get()
            request = web_push_request(subscription.target, message, key, time.time())
        except ChatError as error:
            return PushOutcome("failed", error.code)
        response = await self._post(request, _REASON)
        if isinstance(response, PushOutcome):
            return response
        outcome = _outcome_of(response)
        if outcome.kind == "failed" and ends_subscription(response.status, words_of(response.body)):
            return PushOutcome("gone", outcome.error)
        return PushOutcome("refused", outcome.error) if is_final(response.status) else outcome

    async def _notify(self, subscription: PushSubscription, content: bytes) -> PushOutcome:
        request = PushRequest(subscription.target.url, {"content-type": "application/json"}, content)
        response = await self._post(request, _ANSWER)
        if isinstance(response, PushOutcome):
            return response
        outcome = _outcome_of(response)
        if outcome.kind != "sent":
            return outcome
        try:
            answer = answer_decoder.decode(response.body)
        except (msgspec.MsgspecError, RecursionError):
            return PushOutcome("failed", "the gateway's answer is not what the Push Gateway API describes")
        return (
            PushOutcome("gone", "the gateway rejects it") if subscription.target.push_key in answer.rejected else _SENT
        )

    async def _post(self, request: PushRequest, reading: BodyReading) -> EgressResponse | PushOutcome:
        try:
            return await self._client.request(
                "POST", request.url, headers=request.headers, content=request.content, reading=reading
            )
        except EgressError as error:
            return PushOutcome("failed", str(error), unreachable=True)


def _outcome_of(response: EgressResponse) -> PushOutcome:
    if response.accepted:
        return _SENT
    words = words_of(response.body[:REFUSAL_BODY_MAX_BYTES])
    error = f"status {response.status}{words and ': '}{words}"
    if response.status == TOO_LARGE:
        return PushOutcome("refused", error)
    return PushOutcome("failed", error, parse_retry_after(response.headers.get("retry-after"), time.time()))


def _ttl_s(at_ms: int) -> int:
    """Returns for how many more seconds a notification of the time `at_ms` (milliseconds since 1970) is worth showing;
    0 if it is too old.
    """
    return max(0, round((at_ms + PUSHABLE_MS) / 1000 - time.time()))
