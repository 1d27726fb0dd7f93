"""Describes the device that a request comes from, by its address and `User-Agent`: a route that signs in a user has the
parameter `device`."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from talkwire.core.commands.accounts import Device
from talkwire.identity.address import client_address

USER_AGENT_MAX_LENGTH = 300
"""Most characters of the header User-Agent that are kept."""

GivenDevice = NamedDependency[Device]
GivenTrustedProxies = NamedDependency[frozenset[str]]


def address_of(request: Request[Any, Any, Any], trusted_proxies: frozenset[str]) -> str:
    """Returns the IP address of the client that sent a request. Behind a proxy that is not in `trusted_proxies`, that
    is the proxy's address."""
    peer = "" if request.client is None else request.client.host
    forwarded_for = ", ".join(request.headers.getall("x-forwarded-for", [])) or None
    return client_address(peer, forwarded_for, trusted_proxies)


async def provide_device(request: Request[Any, Any, Any], trusted_proxies: GivenTrustedProxies) -> Device:
    """Returns the device that sent a request: its IP address and `User-Agent`. Users see the `User-Agent` in their list
    of devices, so unprintable characters are replaced and long values are cut instead of refused."""
    user_agent = request.headers.get("user-agent", "")[:USER_AGENT_MAX_LENGTH]
    shown = "".join(character if character.isprintable() else " " for character in user_agent)
    return Device(address_of(request, trusted_proxies), shown.strip())
