"""What the generators of payload types share: how schemas refer to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

COMPLETE = frozenset(
    {
        "MessengerDoNotDisturb",
        "MessengerMemberPreferences",
        "MessengerNotify",
        "MessengerPreferences",
        "MessengerSounds",
    }
)
"""Schemas of bodies whose members may be left out, and of answers that always have all of them."""


def name_of(reference: str) -> str:
    """Returns the name of the schema that a `$ref` leads to."""
    return reference.rpartition("/")[2]


def reachable(schemas: Json, names: Iterable[str | None]) -> set[str]:
    """Returns these schemas and all that they refer to."""
    found: set[str] = set()
    waiting = [name for name in names if name is not None]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_referred(schemas[name]))
    return found


def _referred(part: object) -> Iterator[str]:
    match part:
        case {"$ref": str() as reference}:
            yield name_of(reference)
        case dict():
            for value in part.values():
                yield from _referred(value)
        case list():
            for value in part:
                yield from _referred(value)
