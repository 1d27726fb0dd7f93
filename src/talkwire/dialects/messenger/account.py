"""Events of the messenger dialect with which a client renews its socket's sign-in before the token expires."""

from __future__ import annotations

from talkwire.dialects.sign_in import RENEW_SIGN_IN

INBOUND = {"auth:refresh": RENEW_SIGN_IN}
