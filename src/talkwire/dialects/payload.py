"""The base class of all payloads."""

from __future__ import annotations

import msgspec

from talkwire.core.domain.times import iso
from talkwire.dialects.payloads.problems import invalid_payload

__all__ = ["Payload", "invalid_payload", "iso"]


class Payload(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A JSON object with camelCase members. Members that have their default value are omitted."""
