"""Statements that look many keys up at once.

The keys travel as one JSON parameter, so a statement's text stays the same however many there are: it is compiled and
prepared once, and a batch costs one statement a table.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import JSON, ColumnElement, Dialect, Text, bindparam, cast, func, literal_column
from sqlalchemy.sql.selectable import TableValuedAlias

_encode = msgspec.json.Encoder().encode


def keys_parameter(keys: Collection[object]) -> dict[str, str]:
    """The parameter of a statement made with `keys_table`."""
    return {"keys": _encode(list(keys)).decode()}


def keys_table(dialect: Dialect) -> TableValuedAlias:
    """A table of one column `value`, a JSON value a row."""
    keys = bindparam("keys", type_=Text)
    if dialect.name == "sqlite":
        return func.json_each(keys).table_valued("value", name="keys")
    return func.json_array_elements(cast(keys, JSON)).table_valued("value", name="keys")


def key_text(table: TableValuedAlias, index: int) -> ColumnElement[Any]:
    """The text at `index` of each row, where rows are arrays of texts."""
    return table.c.value.op("->>", return_type=Text())(literal_column(str(index)))
