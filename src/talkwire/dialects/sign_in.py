"""The event with which a client renews its socket's sign-in with a newer token; all dialects (client applications'
vocabularies) share it."""

from __future__ import annotations

from dataclasses import replace

from talkwire.dialects.dialect import Inbound
from talkwire.operations.socket_commands import RenewSignIn
from talkwire.payloads.payload import iso
from talkwire.payloads.sign_in import RenewedReply, RenewSignInPayload, TolerantRenewSignInPayload


def _renewed(expires_at_s: float | None) -> RenewedReply:
    return RenewedReply(expires_at=None if expires_at_s is None else iso(round(expires_at_s * 1000)))


RENEW_SIGN_IN = Inbound(
    RenewSignInPayload,
    lambda p: RenewSignIn(p.token),
    _renewed,
    summary="Renew the socket's sign-in with a newer token of the same user.",
    commands=(RenewSignIn,),
)

TOLERANT_RENEW_SIGN_IN = replace(RENEW_SIGN_IN, payload=TolerantRenewSignInPayload)
"""The same for dialects whose payloads may have unknown members."""
