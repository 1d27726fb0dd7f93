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


def direct_key(user_id: str, other_id: str) -> str:
    """Names a pair in either order. Ids hold no white space, so the line break cannot be part of one."""
    return "\n".join(sorted((user_id, other_id)))
