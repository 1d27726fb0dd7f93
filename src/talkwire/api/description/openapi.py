"""Completes the OpenAPI document that Litestar generates: replaces its schemas and removes keywords with default
values.

Litestar describes paths, parameters and responses. The schemas of the types come from `schemas.py`, which
`/asyncapi.json` also uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from talkwire.api.description.member_meanings import meaning_of
from talkwire.api.description.refusals import ErrorAnswer
from talkwire.api.description.schemas import Json, reference_to, schema_name, schemas
from talkwire.api.description.webhooks import webhook_types, webhooks
from talkwire.api.http.json_lines import LINES, MEDIA_TYPE
from talkwire.api.http.query_names import ANY_KEY
from talkwire.api.server_sent_events import EVENT_STREAM
from talkwire.api.streamed_request import BODIES
from talkwire.dialects.messenger.log_events import LOG_EVENTS, LogEventPayload

_DEFAULT_VALUES: Json = {"deprecated": False, "allowEmptyValue": False, "allowReserved": False, "headers": {}}
"""Keywords that Litestar writes even where they have their default value."""


_NULL: Json = {"type": "null"}

_ZIP = "application/zip"
_BYTES: Json = {"type": "string", "format": "binary"}
"""Schema of a response of bytes, which Litestar describes as a text."""

_FORM = "form"
_FORM_WITH_A_FILE: Json = {
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "The file's bytes."}},
            }
        }
    },
    "required": False,
}

_STREAM = "stream"
_LINES: Json = {
    "schema": {"type": "string", "description": "Newline-delimited JSON: a message, as in the JSON body, in each line."}
}


def streams(description: str) -> Mapping[str, object]:
    """Returns the option of a route whose response is available as server-sent events."""
    return {_STREAM: description}


TAKES_FORM: Mapping[str, object] = MappingProxyType({_FORM: True})
"""Option of a route that reads its body itself and accepts a form with a file."""


class NamedStructs(OpenAPISchemaPlugin):
    """A Litestar plugin that replaces the schemas of msgspec's Structs with named placeholders, and records the Structs
    in `types`, so that `openapi` can add the real schemas."""

    def __init__(self) -> None:
        self.types: list[Any] = []

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return not field_definition.is_union and field_definition.is_subclass_of(msgspec.Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ANN401
        """Returns a placeholder schema whose title is the type's name in the API."""
        type_ = field_definition.annotation
        self.types.append(type_)
        placeholder: Schema = schema_creator.create_component_schema(
            field_definition, required=[], property_fields={}, title=schema_name(type_)
        )
        return placeholder


def openapi(application: Litestar) -> Json:
    """Returns the OpenAPI document of an application, as JSON values."""
    # The plugin's module is private, so it is looked up by name. `application.openapi_schema` would be incomplete.
    plugin: Any = application.plugins.get("OpenAPIPlugin")
    document: Json = msgspec.json.decode(msgspec.json.encode(plugin.provide_openapi_schema()))
    placeholders = document["components"].pop("schemas")
    references = {reference_to(key): reference_to(schema["title"]) for key, schema in placeholders.items()}
    document = _tidied(document, references)
    for path, method, _ in _routes_with(_FORM, application):
        document["paths"][path][method]["requestBody"] = _FORM_WITH_A_FILE
    for path, method, _ in _routes_with(LINES, application):
        _describe_bodies(document["paths"][path][method]["requestBody"], {MEDIA_TYPE: _LINES})
    for path, method, bodies in _routes_with(BODIES, application):
        content = {
            media_type: {"schema": {"type": "string", "description": bodies[media_type]}} for media_type in bodies
        }
        _describe_bodies(document["paths"][path][method]["requestBody"], content)
    for path, method, about in _routes_with(_STREAM, application):
        response = document["paths"][path][method]["responses"]["200"]
        response.setdefault("content", {})[EVENT_STREAM] = {"schema": {"type": "string", "description": about}}
    for operations in document["paths"].values():
        for operation in operations.values():
            _finish(operation)
    document["webhooks"] = webhooks()
    types = [*application.plugins.get(NamedStructs).types, ErrorAnswer, *webhook_types()]
    document["components"]["schemas"] = _with_log_events(types)
    return document


def _describe_bodies(body: Json, others: Json) -> None:
    """Describes a body that is JSON or of other media types, and that must be given."""
    given = body["content"]["application/json"]["schema"]
    body["content"]["application/json"]["schema"] = next(each for each in given["oneOf"] if each != _NULL)
    body["content"] |= others
    body["required"] = True


def _with_log_events(types: Iterable[Any]) -> Mapping[str, Json]:
    """Returns the schemas of the given types, and the schemas of the payloads of the log's events.

    The member `data` of a log event has a different schema for each event type. Its description lists these schemas as
    text, because client generators misread a choice between schemas that depends on another member (`type`).
    """
    kinds = {packet.name: packet.payload_type for packet in LOG_EVENTS.values()}
    components = schemas([*types, LogEventPayload, *kinds.values()]).components
    listed = ", ".join(f"`{name}`: {schema_name(type_)}" for name, type_ in sorted(kinds.items()))
    components[schema_name(LogEventPayload)]["properties"]["data"]["description"] = f"Its schema by type: {listed}."
    return components


def _routes_with(option: str, application: Litestar) -> Iterator[tuple[str, str, Any]]:
    """Yields (path, method, value) of each route whose `opt` has `option`. The method is in lower case."""
    for route in application.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if option in handler.opt:
                yield from ((route.path_format, method.lower(), handler.opt[option]) for method in handler.http_methods)


def _tidied(value: Any, references: Mapping[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """Returns a part of the OpenAPI document with each reference replaced by its value in `references` (from Litestar's
    schema names to Talkwire's), without keywords that have their default value, and with whole numbers as integers."""
    match value:
        case {"$ref": str() as reference}:
            return {"$ref": references.get(reference, reference)}
        case dict():
            kept = (item for item in value.items() if item not in _DEFAULT_VALUES.items())
            return {key: _tidied(part, references) for key, part in kept}
        case list():
            return [_tidied(part, references) for part in value]
        case float():
            return int(value) if value.is_integer() else value
        case _:
            return value


def _finish(operation: Json) -> None:
    for parameter in operation.get("parameters", ()):
        _finish_parameter(parameter)
        if parameter["name"].endswith(ANY_KEY):
            _describe_by_beginning(parameter)
    for response in operation["responses"].values():
        content = response.pop("content", {})
        content = {media_type: answer for media_type, answer in content.items() if answer["schema"] != _NULL}
        if content:
            response["content"] = content
        if _ZIP in content:
            content[_ZIP]["schema"] = _BYTES


def _finish_parameter(parameter: Json) -> None:
    """Removes the description that Litestar repeats in a parameter's schema. A parameter without a description gets the
    one that `member_meanings.py` has for its name."""
    schema = parameter["schema"] = _without_null(parameter["schema"])
    schema.pop("description", None)
    first, *others = parameter["name"].split("_")
    meaning = meaning_of("", first + "".join(word.capitalize() for word in others))
    if meaning is not None and meaning.text:
        parameter.setdefault("description", meaning.text)


def _describe_by_beginning(parameter: Json) -> None:
    """Describes a parameter that stands for all with the same beginning as an object whose members are parameters of
    their own: the only form that OpenAPI has for names that are not known."""
    beginning = parameter["name"].removesuffix(ANY_KEY)
    parameter["name"] = beginning.removesuffix(".")
    parameter["style"], parameter["explode"] = "form", True
    parameter["schema"] = {
        "type": "object",
        "propertyNames": {"pattern": f"^{re.escape(beginning)}"},
        "additionalProperties": parameter["schema"],
        "maxProperties": 1,
    }


def _without_null(schema: Json) -> Json:
    """Returns the schema of an optional string parameter without null, which Litestar adds for the Python default."""
    match schema:
        case {"oneOf": [{"type": "string"} as text, {"type": "null"}], **rest}:
            return {**text, **rest}
        case _:
            return schema
