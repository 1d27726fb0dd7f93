"""Explains what is wrong with a client's payload in plain English, without names of Python types.

Each error of the library msgspec becomes a sentence such as "must be an integer", with the path of the invalid member.
The error also names unknown members, since an unknown name may be a misspelling.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from talkwire.core.domain.errors import ChatError, did_you_mean

_PLACE = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")
_MISSING = re.compile("required field `([^`]+)`$")
_UNKNOWN = re.compile("unknown field `(.+)`$")
_TOKENS = re.compile(r"[^.\[\]]+|\[[^\]]*\]")

_NAMES = {
    "str": "text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "a JSON object",
    "array": "a list",
    "null": "null",
    "bytes": "binary data",
    "datetime": "a time in ISO 8601, such as 2030-01-31T12:00:00.000Z",
}
_UNITS = {"str": "characters", "array": "items", "object": "members", "bytes": "bytes"}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}

_Explain = Callable[["re.Match[str]"], str]

_SENTENCES: Sequence[tuple[re.Pattern[str], _Explain]] = (
    (re.compile(r"Expected `(\w+)` of length ([<>]=?) (\d+)"), lambda m: f"must have {_bound(m[2], m[3])} {_unit(m)}"),
    (re.compile(r"Expected `(\w+)` of length (\d+)"), lambda m: f"must have exactly {m[2]} {_unit(m)}"),
    (re.compile(r"Expected `(\w+)` ([<>]=?) (\S+)"), lambda m: f"must be {_bound(m[2], m[3])}"),
    (
        re.compile(r"Expected `datetime` with a timezone"),
        lambda _: "must be a time with an offset, such as Z or +01:00",
    ),
    (re.compile(r"Invalid RFC3339"), lambda _: f"must be {_NAMES['datetime']}"),
    (
        re.compile(r"Expected `object(?: \| null)?`, got `str`"),
        lambda _: "must be a JSON object, not a text; pass the object itself, without JSON.stringify or json.dumps",
    ),
    (re.compile(r"Expected `([^`]+)`, got"), lambda m: f"must be {_either(m[1].split(' | '))}"),
    (re.compile(r"Number out of range"), lambda _: "must be a number that fits 64 bits"),
)


def invalid_payload(error: msgspec.ValidationError, expected: object = None) -> ChatError:
    """Returns the error `invalid_request` for a payload that msgspec refused. It names the path of the invalid member,
    such as `memberIds[3]`.

    `expected` is the payload's type, from which the allowed values are listed; None if unknown.
    """
    text = str(error)
    place = _PLACE.search(text)
    message = text if place is None else text[: place.start()]
    path = "" if place is None else place.group(1)
    for pattern, words in ((_MISSING, "is missing"), (_UNKNOWN, "is not a field here")):
        named = pattern.search(message)
        if named is not None:
            path, message = f"{path}.{named.group(1)}".lstrip("."), words
            if pattern is _UNKNOWN:
                message += did_you_mean(named.group(1), _field_names(_struct_of(expected)))
            return _at(path, message)
    if message.startswith(("Invalid enum value", "Invalid value")):
        return _at(path, _one_of(_allowed_at(expected, path)))
    return _at(path, plain(message))


def plain(message: str) -> str:
    """Returns the message of a msgspec error as words that follow the name of the invalid member, such as "must be an
    integer"; "is invalid" for an unknown message."""
    for pattern, words in _SENTENCES:
        found = pattern.match(message)
        if found is not None:
            return words(found)
    return "is invalid"


def with_unknown_fields(error: ChatError, expected: object, given: object) -> ChatError:
    """Returns the error with the names of up to five members of the payload `given` that its type `expected` does not
    have, in its message and details. Returns the error unchanged if there are none, or if it is not
    `invalid_request`."""
    if error.code != "invalid_request" or not isinstance(given, dict):
        return error
    known = _field_names(_struct_of(expected))
    if not known:
        return error
    unknown = [name for name in given if isinstance(name, str) and name not in known][:5]
    details: list[object] = list(error.details) if isinstance(error.details, list) else []
    already = {each.get("path") for each in details if isinstance(each, dict)}
    found = [
        _at(name[:64], f"is not a field here{did_you_mean(name, known)}") for name in unknown if name not in already
    ]
    if not found:
        return error
    for each in found:
        details += typing.cast("list[object]", each.details)
    return error.reworded("; ".join([error.message, *(each.message for each in found)]), details)


def with_unknown_fields_in(error: ChatError, expected: object, body: bytes) -> ChatError:
    """Does the same as `with_unknown_fields` for a payload that is still encoded as JSON in `body`. Returns the error
    unchanged if `body` is not valid JSON."""
    if error.code != "invalid_request":
        return error
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return error
    return with_unknown_fields(error, expected, given)


def _at(path: str, message: str) -> ChatError:
    return ChatError("invalid_request", f"{path}: {message}".lstrip(": "), [{"path": path, "message": message}])


def _bound(sign: str, bound: str) -> str:
    return f"{_BOUNDS[sign]} {bound}"


def _unit(found: re.Match[str]) -> str:
    return _UNITS.get(found[1], "items")


def _either(types: Iterable[str]) -> str:
    return " or ".join(_NAMES.get(each, each) for each in types)


def _one_of(allowed: Sequence[object]) -> str:
    return f"must be one of {', '.join(map(str, allowed))}" if allowed else "is not one of the values allowed here"


def _struct_of(expected: object) -> type[msgspec.Struct] | None:
    """Returns the Struct that a type contains: the type itself, or an alternative of a union such as `Struct | None`;
    None if it contains none."""
    for each in (expected, *typing.get_args(expected)):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
    return None


def _field_names(struct: type[msgspec.Struct] | None) -> frozenset[str]:
    return frozenset() if struct is None else frozenset(struct.__struct_encode_fields__)


def _allowed_at(expected: object, path: str) -> Sequence[object]:
    """Returns the allowed values of the member at `path`, such as `members[3].role`, in the payload type `expected`;
    empty if the member is no enumeration or the type is None."""
    if expected is None:
        return ()
    found = _flat([inspect.type_info(expected)])
    for token in _TOKENS.findall(path):
        found = _flat([inner for each in found for inner in _within(each, token)])
    return [value for each in found if isinstance(each, inspect.LiteralType) for value in each.values]


def _within(info: inspect.Type, token: str) -> Iterable[inspect.Type]:
    match info:
        case inspect.StructType(tag_field=tag_field, tag=tag) if token == tag_field:
            return [inspect.LiteralType((tag,))]
        case inspect.StructType(fields=fields):
            return [field.type for field in fields if field.encode_name == token]
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return [item]
        case inspect.DictType(value_type=value):
            return [value]
        case _:
            return []


def _flat(found: Iterable[inspect.Type]) -> list[inspect.Type]:
    """Returns msgspec's descriptions of types, with each union replaced by its alternatives, and without metadata."""
    flat: list[inspect.Type] = []
    waiting: list[Any] = list(found)
    while waiting:
        each = waiting.pop()
        match each:
            case inspect.UnionType(types=types):
                waiting += types
            case inspect.Metadata(type=inner):
                waiting.append(inner)
            case _:
                flat.append(each)
    return flat
