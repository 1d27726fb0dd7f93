"""SQL expressions of `core.domain.log.positions`: log positions, and the ids that are computed from them."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from talkwire.core.domain.log.positions import id_at


def sql_id_at(pos: ColumnElement[int]) -> ColumnElement[int]:
    """Returns the SQL expression for `id_at` of a position."""
    return pos + id_at(0)


def sql_pos_of(id_: ColumnElement[int]) -> ColumnElement[int]:
    """Returns the SQL expression for `pos_of` of an id."""
    return id_ - id_at(0)
