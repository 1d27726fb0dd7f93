"""The socket's own sign-in."""

from __future__ import annotations

from talkwire.dialects.payloads.sign_in import RENEW_SIGN_IN

INBOUND = {"auth:refresh": RENEW_SIGN_IN}
