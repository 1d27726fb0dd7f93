"""The base class of all payloads (JSON types of events and of REST bodies). Re-exports functions that modules of
payloads use."""

from __future__ import annotations

import msgspec

from talkwire.core.domain.times import iso
from talkwire.dialects.payloads.problems import invalid_payload

__all__ = ["Payload", "invalid_payload", "iso"]


class Payload(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The base class of payloads: a JSON object whose members have camelCase names. Members that have their default
    value are omitted."""
