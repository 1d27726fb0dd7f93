"""SQL expressions for statements that look up many keys at once.

The keys are passed as one JSON parameter, so a statement's text is the same for any number of keys. It is compiled and
prepared once, and a batch of commands needs one statement for each table.
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
    """A SQL function that returns the elements of a JSON array as rows, compiled for SQLite and PostgreSQL."""

    inherit_cache = True


@compiles(_JsonElements, "sqlite")
def _on_sqlite(element: _JsonElements, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_JsonElements, "postgresql")
def _on_postgresql(element: _JsonElements, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return f"json_array_elements(CAST({compiler.process(element.clauses, **kw)} AS JSON))"


class JsonArrayOf(FunctionElement[Any]):
    """A SQL function that joins the values of a group of rows, of a column of texts or numbers, to the text of a JSON
    array: to read thousands of ids as one value. NULL or empty without rows."""

    inherit_cache = True


@compiles(JsonArrayOf, "sqlite")
def _array_on_sqlite(element: JsonArrayOf, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return f"json_group_array({compiler.process(element.clauses, **kw)})"


@compiles(JsonArrayOf, "postgresql")
def _array_on_postgresql(element: JsonArrayOf, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return f"CAST(json_agg({compiler.process(element.clauses, **kw)}) AS TEXT)"


KEYS = _JsonElements(bindparam("keys", type_=Text)).table_valued("value", name="keys")
"""Table with the keys that `keys_parameter` passes to a statement. Each row has one column `value`, a JSON array of
texts."""


def keys_parameter(given: Collection[object]) -> dict[str, str]:
    """Returns the parameters of a statement that reads from the table `KEYS`: the keys `given` as JSON. Each key is a
    sequence of texts, which the statement reads by `key_text` and `key_number`."""
    return {"keys": _encode(list(given)).decode()}


def key_text(index: int) -> ColumnElement[Any]:
    """Returns a SQL expression for the text at index `index` (from 0) of each key in `KEYS`."""
    return KEYS.c.value.op("->>", return_type=Text())(literal_column(str(index)))


def key_number(index: int) -> ColumnElement[int]:
    """Returns a SQL expression for the text at index `index` (from 0) of each key in `KEYS`, converted to a whole
    number."""
    return cast(key_text(index), BigInteger)
