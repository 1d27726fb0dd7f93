"""Makes the types of what clients send for a command: the JSON object of an event, or the body of a REST request.

Such a type has the fields of the command, with the meanings and bounds that the command's fields state; msgspec checks
the types only, and the command's own check the bounds. A field that ends in `_ms` is a time: clients send it as a text
in ISO 8601, in a member that ends in `At`, such as `expiresAt` for `expires_ms`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import FieldInfo

from talkwire.core.domain.times import ms_of

Struct = type[msgspec.Struct]

_MS = "_ms"
_AT = "_at"


class Shape(NamedTuple):
    """What is particular to the JSON object with which clients give a command: the `name` of its schema, a sentence
    `about` it, and the fields that its schema names `last`. If it is `tolerant`, unknown members are ignored."""

    name: str
    about: str | None = None
    last: tuple[str, ...] = ()
    tolerant: bool = False


class Given(NamedTuple):
    """The type of what clients send, and `fields`: the field of the command for each attribute of the type."""

    type: Struct
    fields: Mapping[str, str]


_made: dict[str, tuple[object, Struct]] = {}
"""Schema's name -> the members of the type with this name, and the type."""


def given_type(command: type, shape: Shape, base: Struct, module: str, without: Collection[str] = ()) -> Given:
    """Returns the type of a JSON object with the fields of the class `command`, except those in `without`. It is a
    subclass of `base` in the module `module`, by which the API's documents name its schema. Commands with the same
    fields may share a type; raises TypeError if they have other ones under its name."""
    hints = get_type_hints(command, include_extras=True)
    infos = [info for info in msgspec.structs.fields(command) if info.name not in without]
    infos.sort(key=lambda info: info.name in shape.last)
    fields = {_attribute(info.name): info.name for info in infos}
    members = [_member(info, hints[info.name]) for info in infos]
    known, made = _made.get(shape.name, (None, None))
    if made is None:
        made = msgspec.defstruct(
            shape.name,
            members,
            bases=(base,),
            module=module,
            namespace={"__doc__": shape.about},
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=not shape.tolerant,
        )
        _made[shape.name] = members, made
    elif known != members:
        raise TypeError(f"{command.__name__} has not the members of the type {shape.name}, which exists already")
    return Given(made, fields)


def given_by(type_: Struct) -> Given:
    """Returns the same for a type that is written by hand, whose attributes are called like the command's fields."""
    return Given(type_, {name: name for name in type_.__struct_fields__})


def values_of(given: msgspec.Struct, fields: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values of a command's fields, for what a client sent: an object of a type of `given_type`. Raises
    `invalid_request` for a text that is no time."""
    values = {}
    for attribute, field in fields.items():
        value = getattr(given, attribute)
        if attribute != field and value is not None:
            value = ms_of(_camel(attribute), value)
        values[field] = value
    return values


def _attribute(field: str) -> str:
    return field.removesuffix(_MS) + _AT if field.endswith(_MS) else field


def _member(info: FieldInfo, hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:  # noqa: ANN401 (a type)
    """Returns what `defstruct` takes for a field: its attribute, its type and its default, if it has one."""
    name = _attribute(info.name)
    type_ = hint if name == info.name else _as_text(hint)
    if info.required:
        return name, type_
    factory = info.default_factory
    return name, type_, info.default if factory is msgspec.NODEFAULT else msgspec.field(default_factory=factory)


def _as_text(hint: Any) -> Any:  # noqa: ANN401 (a type)
    """Returns the type of a time with `str` in place of the number of milliseconds."""
    if hint is int:
        return str
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        return Annotated[(_as_text(inner), *notes)]
    if get_origin(hint) in {Union, UnionType}:
        return Union[tuple(map(_as_text, get_args(hint)))]  # noqa: UP007 (made of parts)
    return hint


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
