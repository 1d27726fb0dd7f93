"""The names in `/openapi.json` and `/asyncapi.json`: unique, short and stable, so that generated clients are usable."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from talkwire.api.description.asyncapi import asyncapi, without_discriminators
from talkwire.api.description.operation_ids import LONGEST
from talkwire.api.description.schemas import schema_name, schemas
from talkwire.api.description.vocabularies import vocabulary
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.rest import Services, rest_application
from talkwire.core.domain.access_policy import DEFAULT_POLICY
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.crm import payloads as crm
from talkwire.dialects.talks import payloads as talks
from talkwire.identity.origins import OriginPolicy
from talkwire.payloads import messages
from tests.repetition import repetitions

Json = dict[str, Any]

ALONE = list(DIALECTS)[: repetitions(len(DIALECTS), usual=2)]

SUBSETS: Sequence[tuple[str, ...]] = (tuple(DIALECTS), *((name,) for name in ALONE))
"""All dialects together, and each dialect alone: in the gate two of them, since each takes a second to describe."""

NAME = re.compile(r"[A-Z][A-Za-z0-9]+")
OPERATION_ID = re.compile(r"[a-z][A-Za-z0-9]+")
TIME = re.compile(r"\w+At|at|until|timestamp")
FIRST_WORD = re.compile(r"[A-Z][a-z]+")
NO_VERBS = {"A", "An", "All", "How", "One", "The", "This", "What", "Who", "Whether", "Whom"}


@pytest.fixture(scope="module")
def routes() -> dict[tuple[str, ...], Json]:
    """Returns `/openapi.json` for each subset of the dialects."""
    return {subset: asyncio.run(_served(subset)) for subset in SUBSETS}


async def _served(subset: tuple[str, ...]) -> Json:
    """Returns the document of a subset. It is generated from the routes alone, so no service needs to work."""
    nobody: Any = SimpleNamespace(policy=DEFAULT_POLICY)
    services = Services(
        nobody,
        nobody,
        nobody,
        nobody,
        nobody,
        nobody,
        nobody,
        nobody,
        dialects=tuple(DIALECTS[name] for name in subset),
    )
    rest: Any = rest_application(services, version="1", origins=OriginPolicy())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(rest), base_url="http://localhost") as http:
        served: Json = (await http.get("/openapi.json")).json()
    return served


@cache
def events(subset: tuple[str, ...]) -> Json:
    """Returns `/asyncapi.json` for a subset of the dialects."""
    described = asyncapi([vocabulary(DIALECTS[name]) for name in subset], version="1")
    read: Json = json.loads(msgspec.json.encode(described))
    return read


def schemas_of(document: Json) -> dict[str, Json]:
    found: dict[str, Json] = document["components"]["schemas"]
    return found


def operations(document: Json) -> Iterator[Json]:
    return chain.from_iterable(methods.values() for methods in document["paths"].values())


def members(document: Json) -> Iterator[tuple[str, str, Json]]:
    for name, schema in schemas_of(document).items():
        for member, its_schema in schema.get("properties", {}).items():
            yield name, member, its_schema


def test_a_name_is_the_dialect_and_the_class() -> None:
    assert schema_name(messages.MessagePayload) == "MessengerMessage"
    assert schema_name(crm.MessagePayload) == "CrmMessage"
    assert schema_name(ListAnswer[messages.MessagePayload]) == "MessengerMessageList"
    assert schema_name(ListAnswer[talks.MessagePayload]) == "TalksMessageList"
    assert schema_name(Body) == "Body"


def test_two_types_with_the_same_name_are_refused() -> None:
    def another() -> type[msgspec.Struct]:
        return msgspec.defstruct("Same", [("id", str)], module="talkwire.api.other")

    with pytest.raises(TypeError, match="same name in the API: Same"):
        schemas([another(), another()])


def test_every_schema_has_a_unique_name_as_its_title(routes: dict[tuple[str, ...], Json]) -> None:
    for document in (*routes.values(), *map(events, SUBSETS)):
        titles = {name: schema["title"] for name, schema in schemas_of(document).items()}
        assert titles == {name: name for name in titles}
        assert [name for name in titles if not NAME.fullmatch(name)] == []
        # Some generators write a file for each schema, and some file systems ignore case.
        assert len({name.lower() for name in titles}) == len(titles)


def test_the_name_of_an_enumeration_is_no_schemas_name(routes: dict[tuple[str, ...], Json]) -> None:
    """Generators name an enumeration after its schema and member, such as `MessengerOfferStatus`, so that must not be a
    schema."""
    for document in (routes[SUBSETS[0]], events(SUBSETS[0])):
        names = re.findall(r'"x-parser-schema-id": "(\w+)"', json.dumps(document))
        assert "MessengerOfferStatus" in names
        assert len(set(names)) == len(names)
        assert set(names) & schemas_of(document).keys() == set()


def test_names_do_not_depend_on_which_dialects_are_on(routes: dict[tuple[str, ...], Json]) -> None:
    """Each dialect alone has the same schemas and operations as beside all others."""
    everything, *single = SUBSETS
    for subset in single:
        for document, whole in ((routes[subset], routes[everything]), (events(subset), events(everything))):
            alone = schemas_of(document)
            assert alone == {name: schemas_of(whole)[name] for name in alone}
        ids = {operation["operationId"] for operation in operations(routes[subset])}
        assert ids <= {operation["operationId"] for operation in operations(routes[everything])}


def test_a_type_is_the_same_in_both_documents(routes: dict[tuple[str, ...], Json]) -> None:
    everything = SUBSETS[0]
    of_routes, of_events = schemas_of(routes[everything]), schemas_of(events(everything))
    shared = of_routes.keys() & of_events.keys()
    assert {"MessengerMessage", "CrmMessage", "ErrorBody"} <= shared
    for name in shared:
        assert without_discriminators(of_routes[name]) == of_events[name]


def test_every_reference_leads_to_a_schema(routes: dict[tuple[str, ...], Json]) -> None:
    for document in (*routes.values(), *map(events, SUBSETS)):
        referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert referred <= schemas_of(document).keys()


def test_operation_ids_are_short_and_unique(routes: dict[tuple[str, ...], Json]) -> None:
    """The id is the name of the route's function. If it is taken or too long, set `operation_id=` on the route."""
    for document in routes.values():
        ids = [operation["operationId"] for operation in operations(document)]
        assert [id_ for id_ in ids if len(id_) > LONGEST or not OPERATION_ID.fullmatch(id_)] == []
        assert len(set(ids)) == len(ids)
    of_all = {operation["operationId"] for operation in operations(routes[SUBSETS[0]])}
    assert {"sendMessage", "listMessages", "createConversation", "talksSendMessage", "crmListMessages"} <= of_all


def test_summaries_are_imperative(routes: dict[tuple[str, ...], Json]) -> None:
    summaries = [operation["summary"] for operation in operations(routes[SUBSETS[0]])]
    summaries += [
        operation["summary"]
        for operation in events(SUBSETS[0])["operations"].values()
        if operation["action"] == "receive"
    ]
    for text in summaries:
        word = FIRST_WORD.match(text)
        assert word is not None, text
        # An imperative verb does not end in "s": "Send a message" instead of "Sends a message".
        assert word.group() not in NO_VERBS, text
        assert not re.search(r"[^s]s$", word.group()), text
        assert len(text) <= 120, text


def test_refusals_are_described_once(routes: dict[tuple[str, ...], Json]) -> None:
    document = routes[SUBSETS[0]]
    responses = document["components"]["responses"]
    assert {"InvalidRequest", "Forbidden", "NotFound", "RateLimited"} <= responses.keys()
    for response in responses.values():
        assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
    for operation in operations(document):
        inline = {
            status for status, response in operation["responses"].items() if status >= "400" and "$ref" not in response
        }
        assert inline == set(), operation["operationId"]


def test_times_have_a_format_and_null_is_an_alternative(routes: dict[tuple[str, ...], Json]) -> None:
    for document in (routes[SUBSETS[0]], events(SUBSETS[0])):
        for name, member, schema in members(document):
            options = schema.get("anyOf", [schema])
            texts = [option for option in options if option.get("type") == "string"]
            if TIME.fullmatch(member):
                assert all(option.get("format") == "date-time" for option in texts), (name, member)
            assert all(None not in option.get("enum", ()) for option in options), (name, member)
            assert "default" not in schema, (name, member)


def test_validated_members_have_bounds(routes: dict[tuple[str, ...], Json]) -> None:
    described = schemas_of(routes[SUBSETS[0]])
    assert described["SendMessageBody"]["properties"]["content"]["maxLength"] == 64 * 1024
    assert described["CreateConversationBody"]["properties"]["slowModeS"]["maximum"] == 24 * 3600
    assert described["ForwardMessageBody"]["properties"]["conversationIds"]["maxItems"] == 20
    assert described["RegisterBody"]["properties"]["password"]["minLength"] == 8


def test_most_members_have_descriptions(routes: dict[tuple[str, ...], Json]) -> None:
    found = [(name, member, schema) for name, member, schema in members(routes[SUBSETS[0]]) if "$ref" not in schema]
    silent = [(name, member) for name, member, schema in found if "description" not in schema]
    assert len(silent) < len(found) / 5, silent


class _Noted(msgspec.Struct):
    note: object = None


class _Listed(msgspec.Struct):
    notes: dict[str, object]


def test_the_default_of_a_member_of_any_type_is_in_no_other_schema() -> None:
    components = schemas([_Listed, _Noted]).components
    assert schemas([_Noted, _Listed]).components == components
    (listed,) = [component for component in components.values() if "notes" in component["properties"]]
    assert "default" not in listed["properties"]["notes"]["additionalProperties"]
