"""The event with which a client renews its socket's sign-in with a newer token; all dialects (client applications'
vocabularies) share it."""

from __future__ import annotations

from talkwire.dialects.operation_events import events_of, tolerant
from talkwire.operations.sockets import RENEW_SIGN_IN
from talkwire.payloads.payload import iso
from talkwire.payloads.sign_in import RenewedReply


def _renewed(expires_at_s: float | None) -> RenewedReply:
    return RenewedReply(expires_at=None if expires_at_s is None else iso(round(expires_at_s * 1000)))


_REPLIES = {"auth:refresh": _renewed}

INBOUND = events_of([RENEW_SIGN_IN], replies=_REPLIES)

TOLERANT_INBOUND = events_of([tolerant(RENEW_SIGN_IN)], replies=_REPLIES)
"""Events of clients that renew a sign-in, for dialects whose payloads may have unknown members."""
