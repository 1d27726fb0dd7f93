"""Events that renew the sign-in of a socket."""

from __future__ import annotations

from talkwire.dialects.payloads.sign_in import RENEW_SIGN_IN

INBOUND = {"auth:refresh": RENEW_SIGN_IN}
