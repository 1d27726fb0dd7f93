"""The parameters of tools: from type hints to JSON Schema, and from JSON to values of Python."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import Parameter as Declared
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

Scalar: TypeAlias = str | int | float | bool

TypeName: TypeAlias = Literal["string", "integer", "number", "boolean"]

TYPE_NAMES: Mapping[type, TypeName] = types.MappingProxyType(
    {str: "string", int: "integer", float: "number", bool: "boolean"}
)

SAFE_INTEGER_MAX = 2**53 - 1
"""Largest integer that the server and its clients store exactly: they store numbers as doubles."""

ALLOWED = "str, int, float, bool, a Literal or an Enum of texts or integers, or one of these with `| None`"


@dataclass(frozen=True, slots=True)
class ToolParameter:
    """A parameter of a tool. `choices` are the only values, if there are any; `enum` is the class that has them."""

    name: str
    kind: TypeName
    choices: tuple[Scalar, ...] = ()
    enum: type[Enum] | None = None
    description: str = ""
    is_required: bool = True
    is_nullable: bool = False
    default: Scalar | None = None

    def schema(self) -> dict[str, Any]:
        """Returns the JSON Schema of the parameter."""
        found: dict[str, Any] = {"type": [self.kind, "null"] if self.is_nullable else self.kind}
        if self.choices:
            found["enum"] = [*self.choices, *([None] if self.is_nullable else [])]
        if self.description:
            found["description"] = self.description
        if self.default is not None:
            found["default"] = self.default
        return found

    def checked(self, value: object) -> Scalar:
        """Returns a value of JSON as this parameter has it: an integer for `1.0`, if it is one. Raises ValueError."""
        found = self._of_type(value)
        if self.choices and found not in self.choices:
            raise ValueError(f"{self.name} must be one of {', '.join(map(str, self.choices))}")
        return found

    def as_python(self, value: Scalar | None) -> object:
        """Returns a checked value as the function takes it: a member of an enum, if it has one."""
        return value if self.enum is None or value is None else self.enum(value)

    def _of_type(self, value: object) -> Scalar:
        if self.kind == "boolean" and isinstance(value, bool):
            return value
        if self.kind == "string" and isinstance(value, str):
            return self._text(value)
        if self.kind in {"integer", "number"} and isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value)
        raise ValueError(f"{self.name} must be {_WITH_ARTICLE[self.kind]}")

    def _number(self, value: float) -> float:
        if not math.isfinite(value) or abs(value) > SAFE_INTEGER_MAX:
            raise ValueError(f"{self.name} must be between -{SAFE_INTEGER_MAX} and {SAFE_INTEGER_MAX}")
        if self.kind == "number":
            return float(value)
        if value != int(value):
            raise ValueError(f"{self.name} must be an integer")
        return int(value)

    def _text(self, value: str) -> str:
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError(f"{self.name} must have no null characters and no halves of characters")
        return value


_WITH_ARTICLE = {"string": "a string", "integer": "an integer", "number": "a number", "boolean": "true or false"}


def parameter_of(declared: Declared, hint: object) -> ToolParameter:
    """Returns a parameter of a function with this type hint. Raises ValueError, which says what is allowed."""
    if declared.kind not in {Declared.POSITIONAL_OR_KEYWORD, Declared.KEYWORD_ONLY}:
        raise ValueError(f"the parameter {declared.name} must be one that can be named")
    hint, description = _described(hint)
    hint, is_nullable = _without_none(hint)
    if not description:
        hint, description = _described(hint)
    type_, choices, enum = _type_of(declared.name, hint)
    default = None if declared.default is Declared.empty else declared.default
    if isinstance(default, Enum):
        default = default.value
    found = ToolParameter(
        declared.name, type_, choices, enum, description, declared.default is Declared.empty, is_nullable
    )
    return found if default is None else _with_default(found, default)


def _with_default(parameter: ToolParameter, default: object) -> ToolParameter:
    try:
        value = parameter.checked(default)
    except ValueError as error:
        raise ValueError(f"the default of the parameter {error}") from None
    return ToolParameter(
        parameter.name,
        parameter.kind,
        parameter.choices,
        parameter.enum,
        parameter.description,
        parameter.is_required,
        parameter.is_nullable,
        value,
    )


def _described(hint: object) -> tuple[object, str]:
    """Returns a hint without `Annotated`, and its first text, which describes the parameter."""
    if get_origin(hint) is not Annotated:
        return hint, ""
    inner, *notes = get_args(hint)
    return inner, next((note for note in notes if isinstance(note, str)), "")


def _without_none(hint: object) -> tuple[object, bool]:
    """Returns the type beside None, and whether None is allowed."""
    if get_origin(hint) not in {Union, types.UnionType}:
        return hint, False
    others = [each for each in get_args(hint) if each is not types.NoneType]
    return (others[0], True) if len(others) == 1 < len(get_args(hint)) else (hint, False)


def _type_of(name: str, hint: object) -> tuple[TypeName, tuple[Scalar, ...], type[Enum] | None]:
    if isinstance(hint, type) and hint in TYPE_NAMES:
        return TYPE_NAMES[hint], (), None
    if get_origin(hint) is Literal:
        values, enum = get_args(hint), None
    elif isinstance(hint, type) and issubclass(hint, Enum):
        values, enum = tuple(member.value for member in hint), hint
    else:
        raise ValueError(f"the parameter {name} must be {ALLOWED}")
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or not kinds <= {str, int}:
        raise ValueError(f"the choices of the parameter {name} must all be texts, or all be integers")
    return TYPE_NAMES[kinds.pop()], values, enum
