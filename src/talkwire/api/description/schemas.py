"""The schemas of the types that travel as JSON, alike in `/openapi.json` and `/asyncapi.json`.

A schema's name says whose vocabulary it belongs to: `MessengerMessage`, `CrmMessage`. It follows from the type alone
(`schema_name`), so it stays the same whichever dialects are on, and program generators never merge two types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

import msgspec

from talkwire.api.description.member_meanings import Meaning, meaning_of
from talkwire.dialects.dialect import AnyJson

Json = dict[str, Any]
Struct = type[msgspec.Struct]

ANYTHING: Json = {"description": "Any JSON value."}

DIALECTS = ("messenger", "talks", "whatsapp", "crm", "gateway")
"""The dialects whose names schemas begin with."""

_PLACE_OF_A_DIALECT = re.compile(r"talkwire\.(?:api\.)?dialects\.(?:payloads\.)?([a-z]+)")
_SHARED_PAYLOADS = "talkwire.dialects.payloads."
"""Payloads of the messenger vocabulary, which REST and the other dialects use too, where no dialect is named."""

_REFERENCE = "#/components/schemas/"


def schema_name(type_: Any) -> str:  # noqa: ANN401 (a Struct, or a generic one with its arguments)
    """Returns a type's name in both documents: its dialect and its class, without the suffix `Payload`.

    A type of no dialect, such as the body of a REST request, has its class name only. `ListAnswer[MessagePayload]` is
    `MessengerMessageList`.
    """
    origin = get_origin(type_)
    if origin is not None:
        return "".join(map(schema_name, get_args(type_))) + str(origin.__name__).removesuffix("Answer")
    return dialect_of(type_.__module__).capitalize() + str(type_.__name__).removesuffix("Payload")


def dialect_of(module: str) -> str:
    """Returns the name of the dialect whose types a module has, empty when they belong to none.

    A dialect from outside this package is a module, and has its name.
    """
    if module.partition(".")[0] != "talkwire":
        return module.rpartition(".")[2]
    place = _PLACE_OF_A_DIALECT.match(module)
    if place is not None and place.group(1) in DIALECTS:
        return place.group(1)
    return "messenger" if module.startswith(_SHARED_PAYLOADS) else ""


def reference_to(name: str) -> str:
    """Returns the `$ref` of a schema."""
    return _REFERENCE + name


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of some types and of all types inside them."""

    components: Mapping[str, Json]

    def of(self, type_: Any) -> Json:  # noqa: ANN401 (a Struct, or a generic one with its arguments)
        """Returns the reference to a type's schema."""
        return dict(ANYTHING) if type_ is AnyJson else {"$ref": reference_to(schema_name(type_))}


def schemas(types: Iterable[Any]) -> Schemas:
    """Returns the schemas of these types. Raises TypeError when two types have one name."""
    named: dict[str, Any] = {}
    for type_ in _reachable(types):
        other = named.setdefault(schema_name(type_), type_)
        if other != type_:
            raise TypeError(f"{type_!r} and {other!r} have the same name in the API: {schema_name(type_)}")
    return Schemas({name: _schema(name, named[name]) for name in sorted(named)})


def _schema(name: str, type_: Any) -> Json:  # noqa: ANN401 (a Struct, or a generic one with its arguments)
    """One type's schema, made with only the types inside it: all together, msgspec would confuse two lists of messages
    of different modules."""
    inside = _reachable([type_])
    references, components = msgspec.json.schema_components(
        inside, ref_template=_REFERENCE + "{name}", schema_hook=_schema_of_anything
    )
    renamed = {
        reference["$ref"]: reference_to(schema_name(each)) for reference, each in zip(references, inside, strict=True)
    }
    return _finished(name, components[references[0]["$ref"].removeprefix(_REFERENCE)], renamed)


def _schema_of_anything(type_: type) -> Json:
    """For JSON whose content an application chooses: `dict[str, object]`."""
    if type_ is object:
        return ANYTHING
    raise NotImplementedError  # tells msgspec that it has to refuse the type


# --- which types ------------------------------------------------------------------------------------------------------


def _reachable(types: Iterable[Any]) -> list[Any]:
    """These types and all inside them, each once."""
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
    """What msgspec's account of a type consists of."""
    if isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
        for part in msgspec.structs.astuple(info):
            yield from part if isinstance(part, tuple) else (part,)


# --- what program generators understand ------------------------------------------------------------------------------


REMOVED_BY_NULL = "Null removes it."
"""What the description of a member says that may be left out, or be null, and means two things by that."""

_NULL: Json = {"type": "null"}


def _finished(name: str, schema: Json, renamed: Mapping[str, str]) -> Json:
    """A schema under its own name, with the meaning of each member."""
    finished: Json = {**_plain(schema, renamed), "title": name}
    required = finished.get("required", ())
    properties: dict[str, Json] = finished.get("properties", {})
    for member, its_schema in properties.items():
        # AsyncAPI's schemas, of draft 7, have nothing beside `$ref`.
        if "$ref" not in its_schema:
            _describe(its_schema, meaning_of(name, member), is_required=member in required)
            _name_choices(its_schema, name + member[0].upper() + member[1:])
    return finished


def _name_choices(schema: Json, name: str) -> None:
    """Names a member's enumeration, for generators that make a type of it: Modelina would call it AnonymousSchema_78.

    Others find the same name by themselves, and take a title for a further part of it.
    """
    for option in schema.get("anyOf", [schema]):
        for values in (option, option.get("items", {})):
            if "enum" in values:
                values["x-parser-schema-id"] = name


def _describe(schema: Json, meaning: Meaning | None, *, is_required: bool) -> None:
    """Adds to a member's schema what its type does not say."""
    options = schema.get("anyOf", [schema])
    told = [schema["description"]] if "description" in schema else []
    if meaning is not None:
        for option in options:
            _limit(option, meaning)
        told = told or [meaning.text]
    if _NULL in options and not is_required and "default" not in schema:
        told.append(REMOVED_BY_NULL)
    # Not as `default`: generators take a member that has one for a member that is always present.
    default = schema.pop("default", None)
    if isinstance(default, str | int) and default != "":
        told.append(f"Default: `{msgspec.json.encode(default).decode()}`.")
    if any(told):
        schema["description"] = " ".join(filter(None, told))


def _limit(schema: Json, meaning: Meaning) -> None:
    """Adds the bounds and the format that go with the type."""
    type_ = schema.get("type")
    if type_ == "string" and "enum" not in schema:
        schema.update(meaning.of_text)
    elif type_ == "integer":
        schema.update(meaning.of_number)
    elif type_ == "array":
        schema.update(meaning.of_list)


def _plain(value: Any, renamed: Mapping[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """A part of a schema with references to our names, and null as an alternative of its own."""
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
    """An enumeration with its type. Null is not among its values: few generators know an enumeration of two types."""
    if None in values:
        return {"anyOf": [_choice([value for value in values if value is not None]), _NULL]}
    if len(values) == 1 and isinstance(values[0], bool):
        return {"type": "boolean", "const": values[0]}
    return {"type": "string", "enum": values} if all(isinstance(value, str) for value in values) else {"enum": values}


def _unwrapped(text: str) -> str:
    """A docstring without the line breaks of its source."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
