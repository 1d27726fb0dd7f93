"""Generates `docs/events.md`, the reference of the messenger dialect's events, from the AsyncAPI document.

python -m talkwire.api.events_page docs/events.md      (this is `make docs`)
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litestar import Router

from talkwire.api.description.asyncapi import asyncapi
from talkwire.api.description.counterparts import rest_counterparts
from talkwire.api.description.schemas import REMOVED_BY_NULL, Json
from talkwire.api.description.vocabularies import vocabulary
from talkwire.api.rest import described_routes
from talkwire.dialects.messenger import MESSENGER

_TOP = """\
# Events of the messenger dialect

`make docs` generates this page from the types that validate and build the events; do not edit it.
A running server has the same information for programs at `/asyncapi.json`.
It describes its REST routes at `/openapi.json` and `/docs`.
[messenger.md](messenger.md) explains how to connect and how the events work together.

A member with `?` may be omitted or null.
If the client asks for an acknowledgement, it is `{success: true, …}` with the members in the third column,
or `{success: false, error: {code, message, details?}}`.

The last column has the REST routes that do the same, or the reason why there are none.
"""

_PREFIX = "Messenger"
"""Prefix of the schema names on the page, which the page omits."""

_SENTENCE_END = re.compile(r"(?<=[.?!]) (?=[A-Z`])")
"""Pattern of the space between two sentences. Pages have one sentence a line."""

_DEFAULT = re.compile(r"Default: `(.*)`\.$")


def events_page() -> str:
    """Returns the text of `docs/events.md` in Markdown: tables of the messenger dialect's events, and of the objects in
    their payloads."""
    routes = Router("/", route_handlers=described_routes()).routes
    return _Page(asyncapi([vocabulary(MESSENGER, rest_counterparts(routes))], version="")).text()


class _Page:
    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: dict[str, Json] = document["components"]["schemas"]
        self._messages: dict[str, Json] = document["channels"][MESSENGER.name]["messages"]
        self._objects = self._find_objects()

    def text(self) -> str:
        return "\n".join([_TOP, *self._received(), "", *self._sent(), "", *self._described(), ""]).rstrip() + "\n"

    # --- the parts --------------------------------------------------------------------------------------------------

    def _received(self) -> Iterator[str]:
        yield from (
            "## Events from the client",
            "",
            "| event | payload | acknowledgement | REST |",
            "|---|---|---|---|",
        )
        for operation in self._operations("receive"):
            message = self._message(operation)
            answer = self._resolve(operation["reply"]["messages"][0])
            routes = "<br>".join(f"`{route}`" for route in operation.get("x-rest", ()))
            routes = routes or f"none: {operation['x-socket-only']}"
            cells = (_titled(message), self._members(message.get("payload")), self._members(answer["payload"]), routes)
            yield _row(*cells)

    def _sent(self) -> Iterator[str]:
        yield from ("## Events from the server", "", "| event | payload |", "|---|---|")
        for operation in self._operations("send"):
            message = self._message(operation)
            yield _row(_titled(message), self._payload(message["payload"]))

    def _described(self) -> Iterator[str]:
        yield "## Objects"
        for name in sorted(self._objects, key=_short):
            schema = self._schemas[name]
            yield from ("", f"### {_short(name)}", "")
            if "description" in schema:
                yield from (_SENTENCE_END.sub("\n", " ".join(schema["description"].split())), "")
            yield from ("| member | type |", "|---|---|")
            for member, its_schema in schema["properties"].items():
                is_required = member in schema.get("required", ())
                yield _row(_member(schema, member), self._member_type(its_schema, is_required=is_required))

    # --- payloads and types -----------------------------------------------------------------------------------------

    def _find_objects(self) -> set[str]:
        """Returns the names of the schemas that get a section of their own on the page: schemas nested in others, and
        payloads of several events."""
        inside = {name for schema in self._schemas.values() for name in _referred(schema)}
        whole = Counter(
            name for key, message in self._messages.items() if key.startswith("out.") for name in _referred(message)
        )
        return inside | {name for name, times in whole.items() if times > 1}

    def _payload(self, schema: Json) -> str:
        names = list(_referred(schema))
        if len(names) == 1 and names[0] not in self._objects:
            return self._members(schema)
        return self._type(schema)

    def _members(self, schema: Json | None) -> str:
        """Returns the members of a payload with their types, as the text of one table cell; an empty text for None.
        Omits `success`, which every acknowledgement has."""
        if schema is None:
            return ""
        schema = self._resolve(schema)
        members = {name: its_schema for name, its_schema in schema["properties"].items() if name != "success"}
        required = schema.get("required", ())
        return "<br>".join(
            f"{_member(schema, name)} {self._member_type(value, is_required=name in required)}"
            for name, value in members.items()
        )

    def _member_type(self, schema: Json, *, is_required: bool) -> str:
        """Returns a member's type and default value as text. Omits null from the type of an optional member if null
        means the same as leaving the member out."""
        description = schema.get("description", "")
        default = _DEFAULT.search(description)
        null_has_a_meaning = is_required or default is not None or description.endswith(REMOVED_BY_NULL)
        if "anyOf" in schema and not null_has_a_meaning:
            schema = {"anyOf": [option for option in schema["anyOf"] if option != {"type": "null"}]}
        return self._type(schema) + (f", `{default.group(1)}` by default" if default is not None else "")

    def _type(self, schema: Json) -> str:
        match schema:
            case {"$ref": reference}:
                name = reference.rpartition("/")[2]
                return f"[{_short(name)}](#{_short(name).lower()})"
            case {"anyOf": options}:
                return " or ".join(self._type(option) for option in options)
            case {"enum": values}:
                return " or ".join(f"`{value}`" for value in values)
            case {"const": value}:
                return f"`{value}`"
            case {"type": "array", "items": dict() as items}:
                return f"list of {self._type(items)}"
            case {"type": "object", "properties": dict()}:
                return f"{{{self._members(schema).replace('<br>', ', ')}}}"
            case {"type": str() as type_}:
                return type_
            case _:
                return "anything"

    # --- the document -----------------------------------------------------------------------------------------------

    def _operations(self, action: str) -> Iterator[Json]:
        return (operation for operation in self._document["operations"].values() if operation["action"] == action)

    def _message(self, operation: Json) -> Json:
        return self._resolve(operation["messages"][0])

    def _resolve(self, schema: Json) -> Json:
        if "$ref" not in schema:
            return schema
        found: Any = self._document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, dict)
        return found


def _referred(value: object) -> Iterator[str]:
    """Yields the names of the schemas that a part of the AsyncAPI document refers to."""
    match value:
        case {"$ref": str() as reference}:
            yield reference.rpartition("/")[2]
        case dict():
            for part in value.values():
                yield from _referred(part)
        case list():
            for part in value:
                yield from _referred(part)


def _titled(message: Json) -> str:
    return f"**`{message['name']}`** {message['summary'].removesuffix('.')}."


def _member(schema: Json, name: str) -> str:
    return f"`{name}`" if name in schema.get("required", ()) else f"`{name}`?"


def _short(name: str) -> str:
    return name.removeprefix(_PREFIX)


def _row(*cells: str) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in escaped)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(events_page(), encoding="utf-8")
