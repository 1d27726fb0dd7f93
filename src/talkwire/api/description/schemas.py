"""Generates the JSON schemas of the API's types, for both `/openapi.json` and `/asyncapi.json`.

A schema's name begins with its dialect, the kind of client application that it is for: `MessengerMessage`,
`CrmMessage`. The name depends on the type alone (`schema_name`), so it does not change when an operator turns dialects
on or off, and client generators never merge two types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

import msgspec

from talkwire.api.description.member_meanings import Meaning, meaning_of
from talkwire.dialects.dialect import AnyJson
from talkwire.dialects.names import DIALECT_NAMES

Json = dict[str, Any]
Struct = type[msgspec.Struct]

ANYTHING: Json = {"description": "Any JSON value."}
"""Schema of any JSON value."""

_PLACE_OF_A_DIALECT = re.compile(r"talkwire\.(?:api\.)?dialects\.([a-z]+)")
_SHARED_PAYLOADS = "talkwire.payloads."
"""Modules of the messenger dialect's payloads that REST and other dialects share; their types get the prefix
`Messenger`."""

_OF_NO_DIALECT = re.compile(r"talkwire\.payloads\.(?:replies$|integration\.)")
"""Modules of payloads whose types get no prefix: the acknowledgements and errors of all dialects, and answers of REST
routes for the application's backend."""

_REFERENCE = "#/components/schemas/"


def schema_name(type_: Any) -> str:  # noqa: ANN401 (a Struct, or a generic one with its arguments)
    """Returns the name of a type's schema: the name of its dialect (a client application's vocabulary), then its class
    name without the suffix `Payload`.

    A type that belongs to no dialect, such as the body of a REST request, has its class name only.
    `ListAnswer[MessagePayload]` becomes `MessengerMessageList`.
    """
    origin = get_origin(type_)
    if origin is not None:
        return "".join(map(schema_name, get_args(type_))) + str(origin.__name__).removesuffix("Answer")
    return dialect_of(type_.__module__).capitalize() + str(type_.__name__).removesuffix("Payload")


def dialect_of(module: str) -> str:
    """Returns the name of the dialect that a module, given by its full name, belongs to; empty if it belongs to none.

    For a module outside the package `talkwire`, which defines a dialect of its own, this is the last part of the
    module's name.
    """
    if module.partition(".")[0] != "talkwire":
        return module.rpartition(".")[2]
    place = _PLACE_OF_A_DIALECT.match(module)
    if place is not None and place.group(1) in DIALECT_NAMES:
        return place.group(1)
    return "messenger" if module.startswith(_SHARED_PAYLOADS) and not _OF_NO_DIALECT.match(module) else ""


def reference_to(name: str) -> str:
    """Returns the `$ref` that points to the schema with this name in the document's components."""
    return _REFERENCE + name


@dataclass(frozen=True, slots=True)
class Schemas:
    """The JSON schemas of the types given to `schemas`, and of all types nested in them. `components` maps each schema
    name to its schema."""

    components: Mapping[str, Json]

    def of(self, type_: Any) -> Json:  # noqa: ANN401 (a Struct, or a generic one with its arguments)
        """Returns a JSON object with the `$ref` of a type's schema; for `AnyJson`, a schema that allows any value."""
        if type_ is AnyJson:
            return {**ANYTHING, "x-parser-schema-id": "AnyJson"}
        return {"$ref": reference_to(schema_name(type_))}


def schemas(types: Iterable[Any]) -> Schemas:
    """Returns the JSON schemas of the given types and of the types nested in them. Raises TypeError when two types have
    the same schema name."""
    named: dict[str, Any] = {}
    for type_ in _reachable(types):
        other = named.setdefault(schema_name(type_), type_)
        if other != type_:
            raise TypeError(f"{type_!r} and {other!r} have the same name in the API: {schema_name(type_)}")
    return Schemas({name: _schema(name, named[name]) for name in sorted(named)})


def _schema(name: str, type_: Any) -> Json:  # noqa: ANN401 (a Struct, or a generic one with its arguments)
    """Returns the JSON schema of one type, with the schema name `name`. Each schema is generated on its own, since
    msgspec would give two generic lists of same-named types from different modules the same name."""
    inside = _reachable([type_])
    references, components = msgspec.json.schema_components(
        inside, ref_template=_REFERENCE + "{name}", schema_hook=_schema_of_anything
    )
    renamed = {
        reference["$ref"]: reference_to(schema_name(each)) for reference, each in zip(references, inside, strict=True)
    }
    return _finished(name, components[references[0]["$ref"].removeprefix(_REFERENCE)], renamed)


def _schema_of_anything(type_: type) -> Json:
    """A hook of msgspec that returns the schema of an arbitrary JSON value, as in `dict[str, object]`."""
    if type_ is object:
        return dict(ANYTHING)  # msgspec adds the default of a member to what it gets
    raise NotImplementedError  # tells msgspec that the type is not supported


# --- finding nested types -------------------------------------------------------------------------------------------


def _reachable(types: Iterable[Any]) -> list[Any]:
    """Returns the Structs among the given types, and all Structs nested in these types, each once."""
    found: dict[Any, None] = {}
    waiting: list[object] = [msgspec.inspect.type_info(type_) for type_ in types]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found[info.cls] = None
        waiting.extend(_inside(info))
    return list(found)


def _inside(info: object) -> Iterator[object]:
    """Yields the values that msgspec's description of a type contains, among them the descriptions of nested types."""
    if isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
        for part in msgspec.structs.astuple(info):
            yield from part if isinstance(part, tuple) else (part,)


# --- adapting schemas to client generators --------------------------------------------------------------------------


REMOVED_BY_NULL = "Null removes it."
"""Sentence in the description of an optional member for which null and absence have different meanings."""

_NULL: Json = {"type": "null"}


def _finished(name: str, schema: Json, renamed: Mapping[str, str]) -> Json:
    """Returns a finished copy of the schema that msgspec generated for one type: with `name` as title, with a
    description of each member, and with each reference replaced by its value in `renamed`."""
    finished: Json = {**_plain(schema, renamed), "title": name}
    required = finished.get("required", ())
    properties: dict[str, Json] = finished.get("properties", {})
    for member, its_schema in properties.items():
        # In JSON Schema draft 7, which AsyncAPI uses, keywords beside `$ref` are ignored.
        if "$ref" not in its_schema:
            _describe(its_schema, meaning_of(name, member), is_required=member in required)
            _name_choices(its_schema, name + member[0].upper() + member[1:])
    return finished


def _name_choices(schema: Json, name: str) -> None:
    """Sets a name for the enumeration in a member's schema, if it has one. The generator Modelina would otherwise call
    the enumeration AnonymousSchema_78.

    The name is in `x-parser-schema-id`, since other generators derive a name themselves and would misread a `title`.
    """
    for option in schema.get("anyOf", [schema]):
        for values in (option, option.get("items"), option.get("additionalProperties")):
            if isinstance(values, dict) and "enum" in values:
                values["x-parser-schema-id"] = name


def _describe(schema: Json, meaning: Meaning | None, *, is_required: bool) -> None:
    """Adds a member's description and bounds to its schema, and replaces a default value by a sentence that names it.
    A member that may be null is described as removed by null, unless it is required, has a default, or says itself what
    null means."""
    options = schema.get("anyOf", [schema])
    sentences = [schema["description"]] if "description" in schema else []
    if meaning is not None:
        for option in options:
            _add_bounds(option, meaning)
        sentences = sentences or [meaning.text]
    if _NULL in options and not is_required and "default" not in schema and not _explains_null(" ".join(sentences)):
        sentences.append(REMOVED_BY_NULL)
    # As text instead of `default`, since generators treat a member with a default as always present.
    default = schema.pop("default", None)
    if isinstance(default, str | int) and default != "":
        sentences.append(f"Default: `{msgspec.json.encode(default).decode()}`.")
    if any(sentences):
        schema["description"] = " ".join(filter(None, sentences))


def _explains_null(description: str) -> bool:
    return re.search(r"\bnull\b", description, re.IGNORECASE) is not None


def is_null_sent(schema: Json) -> bool:
    """Returns whether an optional member that the server sends may be null, which it leaves out otherwise: its
    description says what null means."""
    return _explains_null(schema.get("description", ""))


def _add_bounds(schema: Json, meaning: Meaning) -> None:
    """Adds a member's bounds and format to its schema: lengths for a string, a range for an integer, a number of items
    for an array."""
    type_ = schema.get("type")
    if type_ == "string" and "enum" not in schema:
        schema.update(meaning.of_text)
    elif type_ == "integer":
        schema.update(meaning.of_number)
    elif type_ == "array":
        schema.update(meaning.of_list)


def _plain(value: Any, renamed: Mapping[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """Returns a part of a schema with each reference replaced by its value in `renamed`, with each enumeration that
    contains null split into the enumeration and null, and with each description's paragraphs on one line."""
    match value:
        case {"$ref": str() as reference}:
            return {"$ref": renamed[reference]}
        case {"enum": [*values], **rest}:
            return {**rest, **_choice(values)}
        case {"type": "object", **rest} if not rest.keys() & {"properties", "additionalProperties"}:
            return {"type": "object", **_plain(rest, renamed), "additionalProperties": dict(ANYTHING)}
        case {"description": str() as text, **rest}:
            return {"description": _unwrapped(text), **_plain(rest, renamed)}
        case dict():
            return {key: _plain(part, renamed) for key, part in value.items()}
        case list():
            return [_plain(part, renamed) for part in value]
        case _:
            return value


def _choice(values: list[Any]) -> Json:
    """Returns the schema of an enumeration of these values. Null becomes a separate alternative, since few generators
    support an enumeration of two types."""
    if None in values:
        return {"anyOf": [_choice([value for value in values if value is not None]), _NULL]}
    if len(values) == 1 and isinstance(values[0], bool):
        return {"type": "boolean", "const": values[0]}
    return {"type": "string", "enum": values} if all(isinstance(value, str) for value in values) else {"enum": values}


def _unwrapped(text: str) -> str:
    """Returns a docstring with each paragraph on one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
