"""Statements that look up many keys at once.

The keys travel as one JSON parameter, so a statement's text stays the same however many keys it gets. It is compiled
and prepared once, and a batch costs one statement a table.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_encode = msgspec.json.Encoder().encode


class _JsonElements(FunctionElement[Any]):
    """The elements of a JSON array as rows."""

    inherit_cache = True


@compiles(_JsonElements, "sqlite")
def _on_sqlite(element: _JsonElements, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_JsonElements, "postgresql")
def _on_postgresql(element: _JsonElements, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return f"json_array_elements(CAST({compiler.process(element.clauses, **kw)} AS JSON))"


KEYS = _JsonElements(bindparam("keys", type_=Text)).table_valued("value", name="keys")
"""The rows of the parameter `keys_parameter`: a table of one column, a JSON array of texts in each row."""


def keys_parameter(given: Collection[object]) -> dict[str, str]:
    """Returns the parameter of a statement that reads from `KEYS`. Keys are sequences of texts."""
    return {"keys": _encode(list(given)).decode()}


def key_text(index: int) -> ColumnElement[Any]:
    """Returns the text at `index` of each key."""
    return KEYS.c.value.op("->>", return_type=Text())(literal_column(str(index)))


def key_number(index: int) -> ColumnElement[int]:
    """Returns the whole number that the text at `index` of each key spells."""
    return cast(key_text(index), BigInteger)
