"""`/asyncapi.json`: the events of the dialects, described by AsyncAPI 3.0 from the Structs that check and make them.

A dialect is a channel, addressed by its Socket.IO namespace. What clients send is an operation that the server
receives, with the acknowledgement as its reply; what clients are sent is an operation that the server sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from talkwire.api.description.schemas import Json, Schemas, schemas
from talkwire.api.description.vocabularies import InboundEvent, OutboundEvent, Vocabulary

_DESCRIPTION = """\
The events of a Talkwire server, over Socket.IO: its protocol's revision 5 on Engine.IO's revision 4, by WebSocket or by
long polling. AsyncAPI has no binding for Socket.IO; this is what its words stand for here.

- A **channel** is a dialect in a namespace, which is the channel's address. A client enters a namespace with `CONNECT`,
  whose payload has the token as `token`; the token may also be in the handshake, as header `Authorization: Bearer …` or
  in the query as `token`. Where a namespace has several dialects, `dialect` in the payload of `CONNECT` or in the query
  chooses. A refusal is `CONNECT_ERROR` with `{message, data: {code}}`.
- A **message** of a channel is an `EVENT` packet: the packet's array has the message's name first, then its payload.
- An operation that the server **receives** is an event that clients send. When the client asks for an acknowledgement,
  the reply is the only element of the `ACK` packet's array. Without one nothing is answered, and a refusal comes as the
  event for errors.
- An operation that the server **sends** is an event that clients are sent.
"""

_SECURITY: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "As `token` in the payload of CONNECT, in the header Authorization, or as `token` in the query.",
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
    """The document, made of what JSON knows."""
    described = schemas(struct for vocabulary in vocabularies for struct in vocabulary.structs())
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Talkwire", "version": version, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "plain": _server("ws", "As a server is started."),
            "encrypted": _server("wss", "Behind a proxy that has a certificate."),
        },
        "channels": {vocabulary.dialect.name: _channel(vocabulary, described) for vocabulary in vocabularies},
        "operations": {key: value for vocabulary in vocabularies for key, value in _operations(vocabulary)},
        "components": {"schemas": described.components, "securitySchemes": {"token": _SECURITY}},
    }


def _server(protocol: str, description: str) -> Json:
    return {
        "host": "{address}",
        "pathname": "/socket.io/",
        "protocol": protocol,
        "description": description,
        "variables": {"address": {"default": "localhost:3000", "description": "Host and port."}},
        "security": [{"$ref": "#/components/securitySchemes/token"}],
    }


# --- what is said: the messages of a channel ------------------------------------------------------------------------


def _channel(vocabulary: Vocabulary, described: Schemas) -> Json:
    messages = {"refusal": _refusal(vocabulary, described)}
    for heard in vocabulary.heard:
        messages[_key("in", heard)] = _request(heard, described)
        messages[_key("answer", heard)] = _answer(heard, described)
    for said in vocabulary.said:
        messages[_key("out", said)] = _news(said, described)
    return {
        "address": vocabulary.dialect.namespace,
        "description": f"The vocabulary `{vocabulary.dialect.name}` in its namespace.",
        "messages": messages,
        "bindings": {"ws": {"method": "GET", "query": _QUERY}},
    }


def _refusal(vocabulary: Vocabulary, described: Schemas) -> Json:
    example = msgspec.to_builtins(vocabulary.refusal)
    payload = described.of(type(vocabulary.refusal))
    return {
        "name": "ACK",
        "summary": "An acknowledgement of what was refused.",
        "payload": payload,
        "examples": [{"payload": example}],
    }


def _request(heard: InboundEvent, described: Schemas) -> Json:
    if heard.payload is None:
        return {"name": heard.name, "summary": heard.summary, "description": "Needs no payload."}
    payload = described.of(heard.payload)
    return {"name": heard.name, "summary": heard.summary, "payload": payload}


def _answer(heard: InboundEvent, described: Schemas) -> Json:
    return {"name": "ACK", "summary": f"`{heard.name}` was carried out.", "payload": described.of(heard.answer)}


def _news(said: OutboundEvent, described: Schemas) -> Json:
    payloads = [described.of(payload) for payload in said.payloads]
    message: Json = {
        "name": said.name,
        "summary": said.summary,
        "payload": payloads[0] if len(payloads) == 1 else {"anyOf": payloads},
    }
    if said.example is not None:
        message["examples"] = [{"payload": msgspec.to_builtins(said.example)}]
    return message


# --- who says it: the operations ------------------------------------------------------------------------------------


def _operations(vocabulary: Vocabulary) -> Iterator[tuple[str, Json]]:
    name = vocabulary.dialect.name
    for heard in vocabulary.heard:
        answers = [_message(name, _key("answer", heard)), _message(name, "refusal")]
        operation = _operation("receive", name, _key("in", heard), heard.summary)
        operation["reply"] = {"channel": _reference("channels", name), "messages": answers}
        if heard.rest.routes:
            operation["x-rest"] = list(heard.rest.routes)
        elif heard.rest.socket_only:
            operation["x-socket-only"] = heard.rest.socket_only
        yield f"{name}.{_key('in', heard)}", operation
    for said in vocabulary.said:
        yield f"{name}.{_key('out', said)}", _operation("send", name, _key("out", said), said.summary)


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
    """AsyncAPI's keys have no colons."""
    return f"{kind}.{event.name.replace(':', '.')}"


def _reference(*path: str) -> Json:
    return {"$ref": "#/" + "/".join(path)}
