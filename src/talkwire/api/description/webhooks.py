"""Describes the requests that the server sends to webhooks (HTTP endpoints of the application), for the object
`webhooks` of `/openapi.json`."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from talkwire.api.description.schemas import Json, reference_to, schema_name
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.messenger.log_events import LOG_EVENTS, WebhookEventPayload

_HEADERS = {
    "webhook-id": "The event's id: the same in each attempt, and after a rewind.",
    "webhook-timestamp": "When the request was signed, in seconds since 1970.",
    "webhook-signature": "One or more signatures as `v1,…`, separated by spaces. One of them must be right.",
}

_RESPONSES: Json = {
    "2XX": {"description": "The event was accepted."},
    "410": {"description": "The webhook is disabled."},
    "default": {"description": "The event is sent again later."},
}


def webhook_types() -> list[Any]:
    """Returns the types of the body of a webhook's request and of the payloads in it. The description that `webhooks`
    returns refers to their schemas."""
    return [WebhookEventPayload, *(packet.payload_type for packet in LOG_EVENTS.values())]


def webhooks() -> Json:
    """Returns the value of `webhooks` in `/openapi.json`: for each type of event, the description of the request that a
    webhook receives."""
    by_name: dict[str, list[Outbound]] = defaultdict(list)
    for packet in LOG_EVENTS.values():
        by_name[packet.name].append(packet)
    described = {name: _operation(name, packets) for name, packets in sorted(by_name.items())}
    return described | {"webhook:test": _test_operation()}


def _operation(name: str, packets: list[Outbound]) -> Json:
    types: list[type[msgspec.Struct]] = list(dict.fromkeys(packet.payload_type for packet in packets))
    data = [{"$ref": reference_to(schema_name(type_))} for type_ in types]
    return _request(name, packets[0].summary, data[0] if len(data) == 1 else {"anyOf": data})


def _test_operation() -> Json:
    data = {"type": "object", "properties": {"webhookId": {"type": "string"}}, "required": ["webhookId"]}
    return _request("webhook:test", "A test of the webhook was requested. This event is not in the log.", data)


def _request(name: str, summary: str, data: Json) -> Json:
    event = {"$ref": reference_to(schema_name(WebhookEventPayload))}
    narrowed = {"type": "object", "properties": {"type": {"type": "string", "const": name}, "data": data}}
    parameters = [
        {"name": header, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        for header, text in _HEADERS.items()
    ]
    return {
        "post": {
            "tags": ["webhooks"],
            "summary": summary,
            "parameters": parameters,
            "security": [],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"allOf": [event, narrowed]}}},
            },
            "responses": _RESPONSES,
        }
    }
