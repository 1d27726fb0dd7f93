"""Checks URLs by the server's address rules, and creates HTTP clients that apply these rules to each connection."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache, cached_property

import certifi

from talkwire.core.domain.errors import invalid
from talkwire.egress.address_rules import AddressRules, RefusedAddress, RefusedUrl, port_of
from talkwire.egress.client import EgressClient, EgressLimits
from talkwire.egress.resolver import Resolve, Resolver, addresses_of
from talkwire.egress.thread import EgressThread

URL_CHECK_S = 5.0
"""Longest time that checking a URL waits for name servers, in seconds."""

ADDRESSES_TRIED_MAX = 4
"""Most addresses of a name that are tried."""


class Egress:
    """Checks the URLs of one purpose, such as webhooks, and creates HTTP clients for requests to them.

    Each purpose has its own `Egress` with its own threads for resolving host names, so that slow name servers for one
    purpose do not delay the others. The clients run on `thread` or, if it is None, on the event loop that uses them.
    `resolve` and `tls` replace the system's name servers and certificates in tests. Close the clients before the
    `Egress`.
    """

    def __init__(
        self,
        rules: AddressRules,
        thread: EgressThread | None = None,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.rules = rules
        self.thread = thread
        self._resolver = Resolver()
        self._resolve: Resolve = self._resolver if resolve is None else resolve
        self._given_tls = tls

    async def refusal(self, url: str) -> str | None:
        """Returns why the address rules refuse a URL; None if the server may send requests to it. Resolves the host
        name.

        A name that cannot be resolved now is not refused, since each connection checks the name again.
        """
        try:
            checked = self.rules.check_url(url)
        except RefusedUrl as refused:
            return str(refused)
        try:
            async with asyncio.timeout(URL_CHECK_S):
                addresses = await addresses_of(self._resolve, checked.raw_host or "", port_of(checked))
        except (OSError, TimeoutError):
            return None
        refusals = (self.rules.refusal(address, encrypted=checked.scheme == "https") for address in addresses)
        return next((refusal for refusal in refusals if refusal is not None), None)

    async def check_url(self, url: str, member: str = "url") -> None:
        """Raises the ChatError `invalid_request` if the address rules refuse the URL, also after resolving its host
        name.

        The error's text names the broken rule and `member`, the request's field that has the URL. The text may reveal
        addresses in the server's network, so check only URLs of operators and back ends with this method.
        """
        refusal = await self.refusal(url)
        if refusal is not None:
            raise invalid(member, refusal)

    async def addresses(self, host: str, port: int, *, encrypted: bool) -> list[str]:
        """Returns the IP addresses of a host name to connect to: the first `ADDRESSES_TRIED_MAX`, if it has more.

        `encrypted` says whether the connection will use TLS. Raises RefusedAddress if any address of the host is not
        allowed, also one beyond the first, and OSError if the host cannot be resolved.
        """
        found = await addresses_of(self._resolve, host, port)
        for address in found:
            refusal = self.rules.refusal(address, encrypted=encrypted)
            if refusal is not None:
                raise RefusedAddress(f"{host}: {refusal}")
        return list(map(str, found[:ADDRESSES_TRIED_MAX]))

    def client(self, limits: EgressLimits) -> EgressClient:
        """Returns a new HTTP client that connects to allowed addresses only. The caller closes it."""
        return EgressClient(self, limits, self.thread)

    def close(self) -> None:
        """Ends the threads that resolve names, without waiting for lookups in progress."""
        self._resolver.close()

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The TLS context with which the clients of this `Egress` connect: that of `system_tls`, unless `tls` was
        given."""
        return system_tls() if self._given_tls is None else self._given_tls


@cache
def system_tls() -> ssl.SSLContext:
    """Returns the TLS context of every request that this program sends: it trusts the usual public authorities, those
    of the operating system, and those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context
