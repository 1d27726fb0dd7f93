"""The names of the built-in dialects."""

from __future__ import annotations

from typing import Literal, get_args

DialectName = Literal["messenger", "talks", "whatsapp", "crm", "gateway"]

DIALECT_NAMES: tuple[str, ...] = get_args(DialectName)
