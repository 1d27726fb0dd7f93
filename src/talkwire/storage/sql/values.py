"""The types of rows, and JSON as columns keep it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

AnyRow = Row[Any]
Values = tuple[int | str | None, ...]

_json = msgspec.json.Encoder()


def to_json(value: object) -> str | None:
    """Returns JSON as it is stored; None stays None."""
    return None if value is None else _json.encode(value).decode()


def from_json(text: str | None) -> Any:  # noqa: ANN401 (JSON)
    """Returns the value of stored JSON."""
    return None if text is None else msgspec.json.decode(text)
