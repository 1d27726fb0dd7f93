"""The base class of all payloads (JSON types of events and of REST bodies). Re-exports functions that modules of
payloads use."""

from __future__ import annotations

import msgspec

from talkwire.core.domain.times import iso, iso_or_none
from talkwire.payloads.problems import invalid_payload

__all__ = ["Payload", "TolerantPayload", "invalid_payload", "iso", "iso_or_none"]


class Payload(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """The base class of payloads: a JSON object whose members have camelCase names. Members that have their default
    value are omitted. A client's payload with a member that the type does not have is refused, since a misspelled
    member that is ignored loses what the client meant."""


class TolerantPayload(Payload, frozen=True, forbid_unknown_fields=False):
    """The base class of payloads in which unknown members are ignored: those of dialects whose existing clients send
    more than the server needs."""
