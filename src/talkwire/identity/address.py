"""Finds the IP address of the client that sent a request. It uses a header such as `X-Forwarded-For` only if a trusted
proxy has sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

FORWARDING_HEADERS = frozenset({"forwarded", "x-forwarded-for", "x-real-ip", "via"})

HOPS_MAX = 32
"""Most addresses in `X-Forwarded-For` that are compared with the trusted networks."""


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns a request's headers by name; `fields` has the names in lower case. Repeated headers are joined with
    commas (RFC 9110, section 5.3).

    A proxy may append its own header line to a line that the client has sent, so a reader of the first line alone would
    trust the client.
    """
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in fields:
        if name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
    for name, values in repeated.items():
        headers[name] = ", ".join(values)
    return headers


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Returns whether the headers show that a proxy has forwarded the request, e.g. by `x-forwarded-for`. The names in
    `headers` must be in lower case.
    """
    return not FORWARDING_HEADERS.isdisjoint(headers)


def is_loopback(address: str) -> bool:
    """Returns whether an address is a loopback address, by which a machine reaches itself; `localhost` counts as
    one."""
    try:
        return address == "localhost" or _unmapped(address).is_loopback
    except ValueError:
        return False


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: frozenset[str]) -> str:
    """Returns the IP address of the client: the last address in `X-Forwarded-For` (`forwarded_for`) that is not a
    trusted proxy, or `peer`, the connection's address, if no trusted proxy has sent that header.

    `trusted_proxies` has addresses and networks such as `10.0.0.0/8`.
    """
    if forwarded_for is None or not is_trusted(peer, trusted_proxies):
        return peer
    address = peer
    for hop in reversed(forwarded_for.rsplit(",", HOPS_MAX)[-HOPS_MAX:]):
        address = _bare(hop.strip())
        if not is_trusted(address, trusted_proxies):
            return address
    return address


def _bare(hop: str) -> str:
    """Returns an address without port and IPv6 zone: some proxies add the port, which differs for each connection."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop.partition("%")[0]


def came_over_tls(scheme: str, peer: str, forwarded_proto: str | None, trusted_proxies: frozenset[str]) -> bool:
    """Returns whether the client's connection used TLS: by `X-Forwarded-Proto` if a trusted proxy has sent it, or else
    by the scheme of the ASGI scope.

    Talkwire's own server has no certificate, so its scheme is always `http`.
    """
    if forwarded_proto is not None and is_trusted(peer, trusted_proxies):
        scheme = forwarded_proto.rpartition(",")[2].strip().lower()
    return scheme in {"https", "wss"}


def is_trusted(address: str, trusted_proxies: frozenset[str]) -> bool:
    """Returns whether an address is that of a trusted proxy."""
    if not trusted_proxies:
        return False
    try:
        parsed = _unmapped(address)
    except ValueError:
        return False
    return any(parsed in network for network in _networks(trusted_proxies))


def _unmapped(address: str) -> IPv4Address | IPv6Address:
    """Returns an IP address; for an IPv4 address that is mapped into IPv6, the IPv4 address. A socket that listens on
    `::` reports IPv4 peers in the mapped form.

    Raises ValueError for an invalid address.
    """
    parsed = ip_address(address)
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


@lru_cache(16)
def _networks(proxies: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(proxy, strict=False) for proxy in proxies)
