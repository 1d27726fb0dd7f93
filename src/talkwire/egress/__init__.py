"""HTTP requests of the server to addresses that users or operators name: webhooks, callbacks and push.

address_rules.py  which addresses may be reached
resolver.py       resolves names on threads of its own
transport.py      connects to the checked addresses, within limits of time and size
client.py         `Egress`: checks URLs and creates HTTP clients
signing.py        signs requests as Standard Webhooks describes
"""

from __future__ import annotations

from talkwire.egress.address_rules import AddressRules, RefusedAddress, RefusedUrl
from talkwire.egress.client import Egress
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
]
