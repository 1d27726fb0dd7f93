"""Makes the types of what clients send for a command: the JSON object of an event, or the body of a REST request.

Such a type has the fields of the command, with the meanings and bounds that the command's fields state; msgspec checks
the types only, and the command's own check the bounds. A field that ends in `_ms` is a time: clients send it as a text
in ISO 8601, in a member that ends in `At`, such as `expiresAt` for `expires_ms`, or in `until`, `before` or `after`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from inspect import signature
from keyword import iskeyword
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT

from talkwire.core.domain.times import ms_of, ms_of_datetime

Struct = type[msgspec.Struct]

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""Time in ISO 8601 with an offset from UTC."""

_MS = "_ms"
_AT = "_at"
_BARE_TIMES = frozenset({"until", "before", "after"})


class Shape(NamedTuple):
    """What is particular to the JSON object with which clients give a command: the `name` of its schema, a sentence
    `about` it, and the fields that its schema names `last`. If it is `tolerant`, unknown members are ignored. `times`
    is the type in which clients give times: a text, or a datetime. It has no members for the fields in `without`, which
    clients can set at the operation's other door only."""

    name: str
    about: str | None = None
    last: tuple[str, ...] = ()
    tolerant: bool = False
    times: Any = str
    without: tuple[str, ...] = ()


class InputMember(NamedTuple):
    """How clients give a field of a command, where that differs from the field: in a member with another `name`, of
    another `type` and `default`, or as a value from which `value` makes the field's.

    In the query of a REST request, the parameter has this `meaning`, and is an integer from `least` to `most`.
    """

    name: str = ""
    type: Any = None
    value: Callable[[Any], object] | None = None
    default: object = NODEFAULT
    meaning: str | None = None
    least: int | None = None
    most: int | None = None


class Part(NamedTuple):
    """A member of what clients send: its name in Python, its type and its default (`NODEFAULT` for a member that must
    be given). It is for the command's `field`, whose value `value` makes of it; None if it is the same."""

    field: str
    name: str
    type: Any
    default: Any
    value: Callable[[Any], object] | None


class Given(NamedTuple):
    """The type of what clients send, and its members (`parts`)."""

    type: Struct
    parts: tuple[Part, ...]


_made: dict[str, tuple[object, Struct]] = {}
"""Types that were made, each with the members of the type, by the name of its schema."""

_NOTHING: Mapping[str, InputMember] = {}


def parts_of(
    command: type, without: Collection[str], members: Mapping[str, InputMember] = _NOTHING, times: object = str
) -> Iterator[Part]:
    """Yields the members with which clients give the fields of the class `command`, except those in `without`, in the
    order of the fields. `members` says of some fields how clients give them; `times` is the type of times."""
    hints = get_type_hints(command, include_extras=True)
    for info in msgspec.structs.fields(command):
        if info.name in without:
            continue
        member = members.get(info.name) or InputMember()
        name, type_, value = info.name, member.type or hints[info.name], member.value
        if name.endswith(_MS):
            name = name.removesuffix(_MS)
            name = name if name in _BARE_TIMES else name + _AT
            type_ = member.type or _as_time(type_, times)
            value = value or partial(_ms_of if times is str else _ms_of_datetime, camel(member.name or name))
        default = info.default if member.default is NODEFAULT else member.default
        yield Part(info.name, member.name or name, type_, default, value)


def with_last(parts: Iterable[Part], last: Iterable[str]) -> tuple[Part, ...]:
    """Returns the members with those of the fields `last` at the end, in this order."""
    places = {field: place for place, field in enumerate(last, 1)}
    return tuple(sorted(parts, key=lambda part: places.get(part.field, 0)))


def given_type(shape: Shape, base: Struct, module: str, parts: Iterable[Part]) -> Given:
    """Returns the type of a JSON object with the members `parts`. It is a subclass of `base` in the module `module`, by
    which the API's documents name its schema. Commands with the same members may share a type; raises TypeError if the
    type with this name has other members."""
    parts = with_last(parts, shape.last)
    fields: list[Any] = [
        (part.name, part.type) if part.default is NODEFAULT else (part.name, part.type, part.default) for part in parts
    ]
    known, made = _made.get(shape.name, (None, None))
    if made is None:
        made = msgspec.defstruct(
            shape.name,
            fields,
            bases=(base,),
            module=module,
            namespace={"__doc__": shape.about},
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=not shape.tolerant,
        )
        _made[shape.name] = fields, made
    elif known != fields:
        raise TypeError(f"the type {shape.name} exists already, with other members")
    return Given(made, parts)


def given_by(type_: Struct, parts: Iterable[Part]) -> Given:
    """Returns the same for a type that is written by hand. Raises TypeError if it has not these members."""
    parts = tuple(parts)
    if {part.name for part in parts} != {*type_.__struct_fields__}:
        raise TypeError(f"{type_.__name__} has not the members {', '.join(part.name for part in parts)}")
    return Given(type_, parts)


def fixed_values(fixed: Mapping[str, object]) -> dict[str, Any]:
    """Returns the values of fields that clients do not give: those in `fixed`, and what the functions there return."""
    return {name: value() if callable(value) else value for name, value in fixed.items()}


def command_maker(
    command: type, parts: Collection[Part], fixed: Mapping[str, object]
) -> Callable[[msgspec.Struct], Any]:
    """Returns a function that makes a command of what a client sent: an object with the members `parts`. Fields that
    clients do not give are in `fixed`. The function raises `invalid_request` for a value that cannot be the field's.

    It is compiled from an expression such as `command(given.content, usual_seq)`: with a loop over the members,
    sending a message took 3 % more processor time. Arguments have no names where the command allows it: with more than
    15 names, Python puts the arguments of a call into a dict first, which takes three times as long. The values of
    members that were left out are made only once.
    """
    names: dict[str, Any] = {"command": command, **{f"fixed_{name}": value for name, value in fixed.items()}}
    values = {name: f"fixed_{name}{'()' if callable(value) else ''}" for name, value in fixed.items()}
    for field, name, _, default, value in parts:
        member = f'getattr(given, "{name}")' if iskeyword(name) else f"given.{name}"
        if value is not None:
            names[f"value_of_{field}"] = value
            if default is NODEFAULT:
                member = f"value_of_{field}({member})"
            else:
                names |= {f"left_out_{field}": default, f"usual_{field}": value(default)}
                member = f"usual_{field} if (each := {member}) is left_out_{field} else value_of_{field}(each)"
        values[field] = member
    arguments = []
    for field, parameter in signature(command).parameters.items():
        if field not in values and parameter.default is not parameter.empty:
            names[f"usual_{field}"] = parameter.default
            values[field] = f"usual_{field}"
        is_named = parameter.kind is parameter.KEYWORD_ONLY
        arguments.append(f"{field}={values[field]}" if is_named else values[field])
    return compiled(f"lambda given: command({', '.join(arguments)})", names)


def compiled(expression: str, names: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Returns the function that an expression of this program makes, in which `names` have these values."""
    function: Callable[[Any], Any] = eval(expression, dict(names))  # noqa: S307 (of names in this program)
    return function


def values_of(given: msgspec.Struct, parts: Collection[Part]) -> dict[str, Any]:
    """Returns the values of a command's fields, for what a client sent: an object of a type of `given_type`. Raises
    `invalid_request` for a value that cannot be the field's, such as a text that is no time."""
    values = {}
    for field, name, _, _, value in parts:
        member = getattr(given, name)
        values[field] = member if value is None else value(member)
    return values


def camel(name: str) -> str:
    """Returns the name of a member in JSON, such as `senderId` for `sender_id`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def unset_if_none(value: object) -> object:
    """Returns the value of a field that has none by default, of a member that clients may give as null."""
    return msgspec.UNSET if value is None else value


def _ms_of(path: str, text: object) -> object:
    """Returns a time in milliseconds since 1970; what is no text, such as None or `UNSET`, stays as it is."""
    return ms_of(path, text) if isinstance(text, str) else text


def _ms_of_datetime(path: str, time: object) -> object:
    return ms_of_datetime(path, time) if isinstance(time, datetime) else time


def _as_time(hint: Any, times: object) -> Any:  # noqa: ANN401 (a type)
    """Returns the type of a time with `times` in place of the number of milliseconds."""
    if hint is int:
        return times
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        return Annotated[(_as_time(inner, times), *notes)]
    if get_origin(hint) in {Union, UnionType}:
        return Union[tuple(_as_time(each, times) for each in get_args(hint))]  # noqa: UP007 (made of parts)
    return hint
