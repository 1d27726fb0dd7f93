"""Sends the server's HTTP requests to addresses that users or operators name: webhooks, callbacks, push, link previews.

address_rules.py  decides which addresses the server may connect to
resolver.py       resolves host names on separate threads
transport.py      connects to checked addresses only, within limits of time and size
client.py         `Egress`: checks URLs and creates HTTP clients
retry_after.py    reads the header that asks for a later attempt
signing.py        signs requests as the Standard Webhooks specification describes
"""

from __future__ import annotations

from talkwire.egress.address_rules import AddressRules, RefusedAddress, RefusedUrl
from talkwire.egress.client import Egress
from talkwire.egress.retry_after import parse_retry_after
from talkwire.egress.signing import Signer, check_signing_secret, new_signing_secret
from talkwire.egress.transport import EgressLimits, ResponseTooLarge

__all__ = [
    "AddressRules",
    "Egress",
    "EgressLimits",
    "RefusedAddress",
    "RefusedUrl",
    "ResponseTooLarge",
    "Signer",
    "check_signing_secret",
    "new_signing_secret",
    "parse_retry_after",
]
