"""Parses the values of settings: one function for each type.

Flags and variables are texts; TOML also has numbers, booleans and lists, and both are accepted. Errors are ValueErrors
that say what the value must be, without the setting's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import reduce
from operator import or_
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from talkwire.settings.model import FolderSetting, Names

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:[0-9]+[smhdw])+")
_DURATION_PART = re.compile(r"([0-9]+)([smhdw])")
_YES = frozenset({"on", "true", "yes", "1"})
_NO = frozenset({"off", "false", "no", "0"})


def parse_value(kind: object, value: object) -> object:
    """Converts a setting's value from a flag, variable or file to the setting's type `kind` (see `Known`). Raises
    ValueError for an invalid value.
    """
    kind = _required(kind)
    if get_origin(kind) is Literal:
        return _one_of(choices_of(kind), value)
    return _PARSERS[kind if kind in _PARSERS else get_origin(kind)](value)


def choices_of(kind: object) -> tuple[str, ...]:
    """Returns the texts that a value of the type `kind`, or an item of such a list, can be; none if it can be any."""
    kind = _required(kind)
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    return get_args(kind) if get_origin(kind) is Literal else ()


def is_list(kind: object) -> bool:
    """Returns whether values of the type `kind` are lists of texts."""
    kind = _required(kind)
    return kind == Names or get_origin(kind) in {tuple, frozenset}


def _required(kind: object) -> object:
    """Returns the type `kind` without None."""
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    return reduce(or_, (each for each in get_args(kind) if each is not type(None)))


def parse_duration(text: str) -> timedelta:
    """Parses a duration such as `90s`, `15m`, `1h`, `30d` or `1h30m`. Raises ValueError for any other text, or if it is
    too long."""
    if _DURATION.fullmatch(text) is None:
        raise ValueError("must be a duration such as 90s, 15m, 1h or 30d")
    try:
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in _DURATION_PART.findall(text)))
    except OverflowError:
        raise ValueError("is too long") from None


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case _:
            raise ValueError("must be a text")


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _YES | _NO:
        raise ValueError("must be on or off")
    return word in _YES


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{1,18}", value.strip()) is None:
        raise ValueError("must be a whole number")
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", value.strip()) is None:
        raise ValueError("must be a number")
    return float(value)


def _duration(value: object) -> timedelta:
    return parse_duration(value.strip() if isinstance(value, str) else "")


def _list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in re.split(r"[,\n]", value) if part.strip())
    if not isinstance(value, list | tuple | frozenset | set) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


def divided(value: object, separators: re.Pattern[str] | None) -> tuple[str, ...]:
    """Returns the items of a list: those of a text, which commas and line breaks separate too, or of a list, whose
    texts may have several items as well. A blank text in a list is an empty item. Raises ValueError for other values.
    """
    items: list[str] = []
    for text in _list(value):
        parts = [text] if separators is None else separators.split(text)
        items += [part.strip() for part in parts if part.strip()] or [""]
    return tuple(items)


def _set(value: object) -> frozenset[str]:
    return frozenset(_list(value))


def _one_of(choices: tuple[str, ...], value: object) -> str:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return word


_PARSERS: Mapping[object, Callable[[object], object]] = {
    FolderSetting: _text,
    Names: _list,
    bool: _truth,
    float: _number,
    frozenset: _set,
    int: _whole,
    str: _text,
    timedelta: _duration,
    tuple: _list,
}
