"""The device that a request comes from: routes that sign in depend on `device`."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from talkwire.core.commands.accounts import Device
from talkwire.identity.address import client_address

USER_AGENT_MAX_LENGTH = 300

GivenDevice = NamedDependency[Device]
GivenTrustedProxies = NamedDependency[frozenset[str]]


def address_of(request: Request[Any, Any, Any], trusted_proxies: frozenset[str]) -> str:
    """Returns the client's IP address. Behind a proxy that is not trusted, that is the proxy's address."""
    peer = "" if request.client is None else request.client.host
    forwarded_for = ", ".join(request.headers.getall("x-forwarded-for", [])) or None
    return client_address(peer, forwarded_for, trusted_proxies)


async def provide_device(request: Request[Any, Any, Any], trusted_proxies: GivenTrustedProxies) -> Device:
    """Returns the request's IP address and `User-Agent`. Users see the latter in their list of devices, so unprintable
    characters are replaced and long values cut instead of refused."""
    user_agent = request.headers.get("user-agent", "")[:USER_AGENT_MAX_LENGTH]
    shown = "".join(character if character.isprintable() else " " for character in user_agent)
    return Device(address_of(request, trusted_proxies), shown.strip())
