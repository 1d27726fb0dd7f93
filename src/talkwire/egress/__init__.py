"""Sends the server's HTTP requests to addresses that users or operators name: webhooks, callbacks, push, link previews.

address_rules.py       decides which addresses the server may connect to
resolver.py            resolves host names on separate threads
bounded_connection.py  connects to checked addresses only, and cuts off malformed responses
client.py              `EgressClient`: an HTTP client with limits of time and size
egress.py              `Egress`: checks the URLs of one purpose, and creates its clients
thread.py              the thread on which the requests run
retry_after.py         reads the header that asks for a later attempt
signing.py             signs requests as the Standard Webhooks specification describes
"""

from __future__ import annotations

from talkwire.egress.address_rules import AddressRules, CheckedUrl, RefusedAddress, RefusedUrl
from talkwire.egress.client import BodyReading, EgressClient, EgressError, EgressLimits, EgressResponse
from talkwire.egress.egress import Egress, system_tls
from talkwire.egress.retry_after import parse_retry_after
from talkwire.egress.signing import Signer, check_signing_secret, new_signing_secret
from talkwire.egress.thread import EgressThread

__all__ = [
    "AddressRules",
    "BodyReading",
    "CheckedUrl",
    "Egress",
    "EgressClient",
    "EgressError",
    "EgressLimits",
    "EgressResponse",
    "EgressThread",
    "RefusedAddress",
    "RefusedUrl",
    "Signer",
    "check_signing_secret",
    "new_signing_secret",
    "parse_retry_after",
    "system_tls",
]
