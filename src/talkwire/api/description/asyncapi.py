"""Generates `/asyncapi.json`, which describes the events of the dialects (client applications' vocabularies) in
AsyncAPI 3.0, from their payload Structs.

A dialect is a channel, whose address is its Socket.IO namespace. An event from the client is an operation that the
server receives, with the acknowledgement as its reply. An event to the client is an operation that the server sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from talkwire.api.description.schemas import Json, Schemas, schemas
from talkwire.api.description.vocabularies import InboundEvent, OutboundEvent, Vocabulary

_DESCRIPTION = """\
The events of a Talkwire server over Socket.IO (protocol revision 5 on Engine.IO revision 4), by WebSocket or long
polling. AsyncAPI has no binding for Socket.IO, so its terms have these meanings here:

- A **channel** is a dialect in a namespace, which is the channel's address. A client enters a namespace with `CONNECT`,
  whose payload has the token as `token`. The token may also be in the handshake: in the header
  `Authorization: Bearer …` or in the query as `token`. Where a namespace has several dialects, `dialect` in the payload
  of `CONNECT` or in the query selects one. A refusal is `CONNECT_ERROR` with `{message, data: {code, reason}}`.
- A **message** of a channel is an `EVENT` packet: an array of the message's name and its payload.
- An operation that the server **receives** is an event that clients send. When the client asks for an acknowledgement,
  the reply is the only element of the `ACK` packet's array. Otherwise the server sends nothing, or an error event when
  it refuses the event.
- An operation that the server **sends** is an event that clients receive.
"""

_SECURITY: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The token: `token` in the payload of CONNECT, the header Authorization, or `token` in the query.",
}

_QUERY: Json = {
    "type": "object",
    "required": ["EIO", "transport"],
    "properties": {
        "EIO": {"const": "4"},
        "transport": {"enum": ["websocket", "polling"]},
        "token": {"type": "string"},
        "dialect": {"type": "string"},
    },
}


def asyncapi(vocabularies: Sequence[Vocabulary], version: str) -> Json:
    """Returns the AsyncAPI document that describes the events of these dialects, as JSON values. `version` is the
    version of Talkwire that the document states."""
    described = schemas(struct for vocabulary in vocabularies for struct in vocabulary.structs())
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Talkwire", "version": version, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "plain": _server("ws", "A server without TLS, as it runs by default."),
            "encrypted": _server("wss", "A server behind a proxy that terminates TLS."),
        },
        "channels": {vocabulary.dialect.name: _channel(vocabulary, described) for vocabulary in vocabularies},
        "operations": {key: value for vocabulary in vocabularies for key, value in _operations(vocabulary)},
        "components": {
            "schemas": without_discriminators(described.components),
            "securitySchemes": {"token": _SECURITY},
        },
    }


def without_discriminators(schema: Any) -> Any:  # noqa: ANN401 (JSON)
    """Returns a schema without the members `discriminator`, which OpenAPI has for unions. That of AsyncAPI requires the
    names of schemas as values, and the types of parts have others."""
    if isinstance(schema, Mapping):
        return {name: without_discriminators(each) for name, each in schema.items() if name != "discriminator"}
    return [without_discriminators(each) for each in schema] if isinstance(schema, list) else schema


def _server(protocol: str, description: str) -> Json:
    return {
        "host": "{address}",
        "pathname": "/socket.io/",
        "protocol": protocol,
        "description": description,
        "variables": {"address": {"default": "localhost:3000", "description": "Host and port."}},
        "security": [{"$ref": "#/components/securitySchemes/token"}],
    }


# --- channels and their messages ------------------------------------------------------------------------------------


def _channel(vocabulary: Vocabulary, described: Schemas) -> Json:
    messages = {"refusal": _refusal(vocabulary, described)}
    for inbound in vocabulary.inbound:
        messages[_key("in", inbound)] = _request(inbound, described)
        messages[_key("answer", inbound)] = _acknowledgement(inbound, described)
    for outbound in vocabulary.outbound:
        messages[_key("out", outbound)] = _outbound_message(outbound, described)
    return {
        "address": vocabulary.dialect.namespace,
        "description": f"The events of the dialect `{vocabulary.dialect.name}`.",
        "messages": messages,
        "bindings": {"ws": {"method": "GET", "query": _QUERY}},
    }


def _refusal(vocabulary: Vocabulary, described: Schemas) -> Json:
    example = msgspec.to_builtins(vocabulary.refusal)
    payload = described.of(type(vocabulary.refusal))
    return {
        "name": "ACK",
        "summary": "The event was refused.",
        "payload": payload,
        "examples": [{"payload": example}],
    }


def _request(inbound: InboundEvent, described: Schemas) -> Json:
    if inbound.payload is None:
        return {"name": inbound.name, "summary": inbound.summary, "description": "Needs no payload."}
    payload = described.of(inbound.payload)
    return {"name": inbound.name, "summary": inbound.summary, "payload": payload}


def _acknowledgement(inbound: InboundEvent, described: Schemas) -> Json:
    return {"name": "ACK", "summary": f"`{inbound.name}` succeeded.", "payload": described.of(inbound.answer)}


def _outbound_message(outbound: OutboundEvent, described: Schemas) -> Json:
    payloads = [described.of(payload) for payload in outbound.payloads]
    message: Json = {
        "name": outbound.name,
        "summary": outbound.summary,
        "payload": payloads[0] if len(payloads) == 1 else {"anyOf": payloads},
    }
    if outbound.example is not None:
        message["examples"] = [{"payload": msgspec.to_builtins(outbound.example)}]
    return message


# --- operations -----------------------------------------------------------------------------------------------------


def _operations(vocabulary: Vocabulary) -> Iterator[tuple[str, Json]]:
    name = vocabulary.dialect.name
    for inbound in vocabulary.inbound:
        answers = [_message(name, _key("answer", inbound)), _message(name, "refusal")]
        operation = _operation("receive", name, _key("in", inbound), inbound.summary)
        operation["reply"] = {"channel": _reference("channels", name), "messages": answers}
        if inbound.rest.routes:
            operation["x-rest"] = list(inbound.rest.routes)
        elif inbound.rest.socket_only:
            operation["x-socket-only"] = inbound.rest.socket_only
        yield f"{name}.{_key('in', inbound)}", operation
    for outbound in vocabulary.outbound:
        yield f"{name}.{_key('out', outbound)}", _operation("send", name, _key("out", outbound), outbound.summary)


def _operation(action: str, channel: str, message: str, summary: str) -> Json:
    return {
        "action": action,
        "channel": _reference("channels", channel),
        "messages": [_message(channel, message)],
        "summary": summary,
    }


def _message(channel: str, key: str) -> Json:
    return _reference("channels", channel, "messages", key)


def _key(kind: str, event: InboundEvent | OutboundEvent) -> str:
    """Returns the key under which AsyncAPI lists an event's message in its channel: `kind` (`in`, `answer` or `out`), a
    dot, and the event's name with dots instead of colons, which such keys cannot contain."""
    return f"{kind}.{event.name.replace(':', '.')}"


def _reference(*path: str) -> Json:
    return {"$ref": "#/" + "/".join(path)}
