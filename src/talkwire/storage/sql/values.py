"""The types of database rows, and the conversion of JSON columns, which are stored as text."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

AnyRow = Row[Any]
Values = tuple[int | str | None, ...]

_json = msgspec.json.Encoder()


def to_json(value: object) -> str | None:
    """Returns a value as JSON text for a column; None stays None."""
    return None if value is None else _json.encode(value).decode()


def from_json(text: str | None) -> Any:  # noqa: ANN401 (JSON)
    """Returns the value of a JSON column's text; None stays None."""
    return None if text is None else msgspec.json.decode(text)
