"""`/asyncapi.json` is a valid AsyncAPI document and describes every event of every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema_rs import Draft7Validator, meta
from litestar import Router

from talkwire.api.description.asyncapi import asyncapi
from talkwire.api.description.counterparts import rest_counterparts
from talkwire.api.description.vocabularies import vocabulary
from talkwire.api.rest import described_routes
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import User
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect, Inbound
from talkwire.dialects.messenger import MESSENGER
from tests.chat.conftest import World

HERE = Path(__file__).parent
PUBLISHED = HERE / "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    """Returns the document as it is served, decoded from its JSON."""
    find = rest_counterparts(Router("/", route_handlers=described_routes()).routes)
    described = asyncapi([vocabulary(dialect, find) for dialect in DIALECTS.values()], version="1.2.3")
    read: Json = json.loads(msgspec.json.encode(described))
    return read


def names(document: Json, dialect: Dialect, action: str) -> set[str]:
    """Returns the names of the events that the server receives or sends in this dialect."""
    operations = [
        operation
        for operation in document["operations"].values()
        if operation["action"] == action and operation["channel"] == {"$ref": f"#/channels/{dialect.name}"}
    ]
    return {followed(document, operation["messages"][0])["name"] for operation in operations}


def followed(document: Json, reference: Json) -> Json:
    found: Any = document
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def references(part: object) -> Iterator[str]:
    match part:
        case {"$ref": str() as reference}:
            yield reference
        case dict():
            for value in part.values():
                yield from references(value)
        case list():
            for value in part:
                yield from references(value)


def enumerations(part: object) -> Iterator[Json]:
    match part:
        case dict():
            if isinstance(part.get("enum"), list):  # not a property with this name
                yield part
            yield from (each for value in part.values() for each in enumerations(value))
        case list():
            yield from (each for value in part for each in enumerations(value))


def socket_events(dialect: Dialect) -> set[str]:
    """Returns the names of the events that concern one socket: welcome, error, goodbye and echoes."""
    welcome = dialect.welcome(User(id="a", name="A", created_ms=0), "socket", "1-1")
    goodbye = dialect.goodbye("shutdown", True)
    error, _ = dialect.error(ChatError("forbidden", "No."), "x")
    echoes = {inbound.echo.name for inbound in dialect.inbound.values() if inbound.echo is not None}
    return {error} | echoes | ({welcome.name} if welcome else set()) | ({goodbye[0]} if goodbye else set())


def test_the_document_matches_the_asyncapi_schema(document: Json) -> None:
    if not PUBLISHED.is_file():
        pytest.fail("the published schema is not installed: run make install")
    validator = Draft7Validator(json.loads(PUBLISHED.read_text()))
    assert [f"{error.instance_path}: {error.message[:300]}" for error in validator.iter_errors(document)] == []


def test_every_reference_is_valid(document: Json) -> None:
    for reference in set(references(document)):
        followed(document, {"$ref": reference})


def test_an_operation_has_messages_of_its_channel(document: Json) -> None:
    for operation in document["operations"].values():
        messages = f"{operation['channel']['$ref']}/messages/"
        spoken = [*operation["messages"], *operation.get("reply", {}).get("messages", [])]
        assert all(message["$ref"].startswith(messages) for message in spoken)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_event_of_a_dialect_is_in_the_document(document: Json, dialect: Dialect) -> None:
    assert document["channels"][dialect.name]["address"] == dialect.namespace
    assert names(document, dialect, "receive") == set(dialect.inbound)
    of_the_chat = {packet.name for packets in dialect.outbound.values() for packet in packets}
    assert names(document, dialect, "send") == of_the_chat | socket_events(dialect)


def entries(dialect: Dialect) -> Iterator[tuple[str, Any]]:
    yield from dialect.inbound.items()
    yield from ((packet.name, packet) for packets in dialect.outbound.values() for packet in packets)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_event_has_a_type_and_a_summary(dialect: Dialect) -> None:
    """Where a lambda has no annotation, `answer=` or `struct=` gives the type; `summary=` describes the event."""
    silent = []
    for name, entry in entries(dialect):
        try:
            _ = entry.answer_type if isinstance(entry, Inbound) else entry.payload_type
        except TypeError as error:
            silent.append(f"{name}: {error}")
        if not entry.summary:
            silent.append(f"{name}: no summary")
    assert silent == []


def test_every_payload_is_a_valid_json_schema_object(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        meta.validate({"$schema": "http://json-schema.org/draft-07/schema#", **schema})
        assert schema["type"] == "object", name
        # The schema needs a later draft of JSON Schema than AsyncAPI's default.
        assert "prefixItems" not in json.dumps(schema), name


def test_every_enumeration_has_a_name(document: Json) -> None:
    """Generators of models invent a name such as AnonymousSchema_36 for one that has none."""
    assert [each for each in enumerations(document["components"]) if "x-parser-schema-id" not in each] == []


def test_examples_match_their_schemas(document: Json) -> None:
    checked = 0
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            for example in message.get("examples", []):
                schema = {**message["payload"], "components": document["components"]}
                Draft7Validator(schema).validate(example["payload"])
                checked += 1
    assert checked >= 4


def test_an_event_names_the_routes_that_do_the_same(document: Json) -> None:
    operations = document["operations"]
    assert operations["messenger.in.message.send"]["x-rest"] == [
        "POST /api/v1/messages",
        "POST /api/v1/messages/batch",
        "POST /messages",
    ]
    assert operations["messenger.in.conversations.list"]["x-rest"] == ["GET /api/v1/conversations"]
    assert "x-rest" not in operations["messenger.in.ping"]
    assert "POST /api/v1/talks/{conversation_id}/message" in operations["talks.in.message"]["x-rest"]


async def test_a_server_serves_the_document(world: World, document: Json) -> None:
    answer = await world.request("GET", "/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    served = answer.json()
    assert served["info"].pop("version") != document["info"]["version"]
    assert {**served, "info": None} == {**document, "info": None}


async def test_events_match_their_schemas(world: World, document: Json) -> None:
    """Validates the welcome, acknowledgements, refusals and events of a short conversation against their schemas."""
    alice = await world.open()
    await alice.sign_in({"token": world.server.token(world.id_of("alice"))})
    conversation = await world.conversation("alice", "bob")
    payloads = {"connected": await alice.next("connected")}
    payload = {"conversationId": conversation, "content": "Hello"}
    answered = {
        "message:send": await alice.call("message:send", payload),
        "messages:list": await alice.call("messages:list", {"conversationId": conversation}),
        "messages:search": await alice.call("messages:search", {"q": "Hello"}),
        "conversations:list": await alice.call("conversations:list", {}),
        "typing:start": await alice.call("typing:start", {"conversationId": conversation}),
        "ping": await alice.call("ping"),
    }
    for name in ("conversation:new", "message:new"):
        payloads[name] = await alice.next(name)
    refused = await alice.call("message:send", {})
    await alice.emit("message:send", {})
    payloads["error"] = await alice.next("error")
    messages = document["channels"][MESSENGER.name]["messages"]
    for name, value in payloads.items():
        check(document, messages[f"out.{name.replace(':', '.')}"], value)
    for name, value in answered.items():
        check(document, messages[f"answer.{name.replace(':', '.')}"], value)
    check(document, messages["refusal"], refused)


def check(document: Json, message: Json, value: Json) -> None:
    schema = {**message["payload"], "components": document["components"]}
    Draft7Validator(schema).validate(value)
    unknown = set(value) - set(followed(document, message["payload"])["properties"])
    assert unknown == set(), message["name"]
