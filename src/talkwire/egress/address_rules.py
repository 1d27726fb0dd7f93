"""Decides which addresses the server may send requests to.

Users and operators name the URLs of webhooks, callbacks and push services. Without rules, such a URL could reach what
only this machine or its network may reach, for example a cloud's metadata service (server-side request forgery). Only
global addresses are allowed, over https, and the networks that the operator names, over http too.

A URL is checked when it is stored, unless its name cannot be resolved then. The addresses that its name resolves to are
checked each time the server connects (`Egress.addresses`), since they may have changed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NewType

from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CheckedUrl = NewType("CheckedUrl", URL)
"""URL that `AddressRules.check_url` has parsed and allowed. Requests go to exactly this object, so that nothing reads
the text a second time and differently."""

REQUEST_URL_MAX_LENGTH = 2048
"""Longest URL that the server requests, in characters."""

LEAST_PORT = 1024
"""Least port that is allowed beside 80 and 443: ports below it belong to services that do not speak HTTP, such as
mail."""

URL_PORT_MAX = 65535
"""Largest port of TCP."""

_WEB_PORTS = frozenset({80, 443})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_NO_URL = "must be a URL such as https://app.example.com/hook"
_BLANK = re.compile(r"[\x00-\x20\x7f\\]")


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


_METADATA = _networks(
    "169.254.169.254/32",  # most clouds
    "169.254.170.2/32",  # AWS ECS
    "169.254.170.23/32",  # AWS EKS
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::254/128",  # AWS
    "fd00:ec2::23/128",  # AWS EKS
    "fd20:ce::254/128",  # Google
)

_REFUSED: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("a loopback address", _networks("127.0.0.0/8", "::1/128")),
    ("the unspecified address", _networks("0.0.0.0/8", "::/128")),
    ("a link-local address", _networks("169.254.0.0/16", "fe80::/10")),
    ("a private address", _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("a shared address of a provider's network", _networks("100.64.0.0/10")),
    ("a multicast address", _networks("224.0.0.0/4", "ff00::/8")),
    (
        "a reserved address",
        _networks(
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20"),
        ),
    ),
)
"""Networks of addresses that are not global, by their kind (the IANA registries of special-purpose addresses).
`2001::/23` contains Teredo's tunnels."""

_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""Network of all global IPv6 addresses. Others, such as the IPv4-compatible `::10.0.0.1`, are reserved."""

_NAT64 = IPv6Network("64:ff9b::/96")
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class RefusedUrl(ValueError):
    """Raised for a URL that the address rules refuse. Its text names the rule and completes a sentence that begins with
    "The URL", such as "must begin with https://".
    """


class RefusedAddress(OSError):
    """Raised when a connection is refused because the host of its URL resolves to an address that is not allowed."""


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Decides to which addresses the server may send requests: to global addresses over https, and to the networks
    `allowed` also over http.

    `setting` is the name of the setting that has these networks, for error texts. `least_port` is the lowest port
    beside 80 and 443.
    """

    allowed: tuple[Network, ...] = ()
    setting: str = "webhook_allow"
    least_port: int = LEAST_PORT

    @classmethod
    def of_operator(cls) -> AddressRules:
        """Returns rules for URLs that only the operator chooses: they allow every address but the metadata addresses of
        clouds, on every port and over http too."""
        return cls((IPv4Network("0.0.0.0/0"), IPv6Network("::/0")), setting="", least_port=1)

    @classmethod
    def of(cls, networks: Iterable[str], *, loopback: bool = False, setting: str = "webhook_allow") -> AddressRules:
        """Returns rules that allow the given networks, such as `10.0.0.0/8`, in addition to global addresses.

        `loopback` also allows this machine. `setting` is the name of the setting that has the networks, for error
        texts. Raises ValueError for a text that is not a network.
        """
        texts = (*networks, *(_LOOPBACK if loopback else ()))
        return cls(tuple(ip_network(text, strict=False) for text in texts), setting)

    def check_url(self, text: str) -> CheckedUrl:
        """Returns the parsed URL. Raises RefusedUrl if the rules refuse it.

        This checks the syntax and any literal address, but does not resolve host names.
        """
        url, host = _parsed(text)
        if url.scheme not in _DEFAULT_PORTS:
            raise RefusedUrl("must begin with https://")
        if "@" in url.raw_authority:
            raise RefusedUrl("must not contain a user name or a password")
        address = literal_address(host)
        if address is not None:
            self._check_literal(host, address, encrypted=url.scheme == "https")
        else:
            self._check_name(host, encrypted=url.scheme == "https")
        port = port_of(url)
        if port not in _WEB_PORTS and not self.least_port <= port <= URL_PORT_MAX:
            raise RefusedUrl(f"must use port 80, 443 or one from {self.least_port} to {URL_PORT_MAX}, not {port}")
        return CheckedUrl(url)

    def refusal(self, address: Address, *, encrypted: bool) -> str | None:
        """Returns why the server must not connect to an address, as an error text; None if it may. `encrypted` says
        whether it would use https.
        """
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        address = mapped or address
        if self._is_allowed(address):
            return None
        kind = _kind_of(address)
        if kind is not None:
            return f"{address} is {kind}" + (f", and {self.setting} does not name it" if self.setting else "")
        if not encrypted:
            return f"must begin with https://, since {self.setting} does not name {address}"
        return None

    def _is_allowed(self, address: Address) -> bool:
        if any(each in network for each in (address, *_embedded(address)) for network in _METADATA):
            # A wide network, such as the one of all containers, does not mean the cloud's credentials.
            return any(network.num_addresses == 1 and address in network for network in self.allowed)
        return any(address in network for network in self.allowed)

    def _check_literal(self, host: str, address: Address, *, encrypted: bool) -> None:
        refusal = self.refusal(address, encrypted=encrypted)
        if refusal is not None:
            raise RefusedUrl(refusal)
        if isinstance(address, IPv4Address) and host != str(address):
            raise RefusedUrl(f"must write the address as {address}")

    def _check_name(self, host: str, *, encrypted: bool) -> None:
        name = host.removesuffix(".")
        if _HOST_NAME.fullmatch(name) is None:
            raise RefusedUrl("must contain a valid host name")
        if name == "localhost" or name.endswith(".localhost"):
            loopback = self.refusal(IPv4Address("127.0.0.1"), encrypted=encrypted)
            if loopback is not None:
                raise RefusedUrl(loopback.replace("127.0.0.1", name, 1))
        elif not encrypted and not self.allowed:
            raise RefusedUrl("must begin with https://")


def port_of(url: URL) -> int:
    """Returns the port of a URL, or the default port of its scheme if it names none."""
    return _DEFAULT_PORTS[url.scheme] if url.explicit_port is None else url.explicit_port


def literal_address(host: str) -> Address | None:
    """Returns the IP address that the host of a URL spells out; None if the host is a name to resolve.

    IPv4 addresses may have one to four parts in decimal, octal or hexadecimal: `2130706433`, `0x7f.1` and `0177.0.0.1`
    are all 127.0.0.1. Raises RefusedUrl for a host that ends in a number without being a valid address.
    """
    if ":" in host:
        return _ipv6(host)
    parts = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(parts[-1]) is None:
        return None
    numbers = list(map(_number, parts))
    rest = 256 ** (5 - len(numbers))
    if len(numbers) > 4 or any(number > 255 for number in numbers[:-1]) or numbers[-1] >= rest:
        raise RefusedUrl("must contain a valid IPv4 address or a host name")
    value = numbers[-1]
    for place, number in enumerate(numbers[:-1]):
        value += number * 256 ** (3 - place)
    return IPv4Address(value)


def _ipv6(host: str) -> IPv6Address:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise RefusedUrl("must contain a valid IPv6 address") from None
    if address.scope_id is not None:
        raise RefusedUrl("must not contain a zone of an IPv6 address")
    return address


def _number(part: str) -> int:
    """Returns the value of one part of an IPv4 address: hexadecimal after `0x`, octal after `0`, else decimal.

    Raises RefusedUrl if the part is not a number.
    """
    if _NUMBER.fullmatch(part) is not None:
        with contextlib.suppress(ValueError):  # such as 08
            if part.startswith("0x"):
                return int(part[2:] or "0", 16)
            return int(part, 8 if part.startswith("0") and part != "0" else 10)
    raise RefusedUrl("must contain a valid IPv4 address or a host name")


def _parsed(text: str) -> tuple[URL, str]:
    """Returns the parsed URL, and its host in ASCII. Raises RefusedUrl for a text that is not an absolute URL."""
    if not text or len(text) > REQUEST_URL_MAX_LENGTH:
        raise RefusedUrl(f"must have 1 to {REQUEST_URL_MAX_LENGTH} characters")
    if _BLANK.search(text) is not None:
        raise RefusedUrl("must not contain spaces, backslashes or control characters")
    try:
        url = URL(text)
        host = url.raw_host
    except (ValueError, IndexError):  # the second one for https://a[@/
        raise RefusedUrl(_NO_URL) from None
    if not host or not host.isascii():
        raise RefusedUrl(_NO_URL)
    return url, host


def _kind_of(address: Address) -> str | None:
    """Returns a description of an address that is not global, such as "a private address"; None for a global
    address.
    """
    for embedded in _embedded(address):
        kind = _kind_of(embedded)
        if kind is not None:
            return f"{kind} in an IPv6 address"
    if any(address in network for network in _METADATA):
        return "a metadata address of a cloud"
    for kind, networks in _REFUSED:
        if any(address in network for network in networks):
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6 and address not in _NAT64:
        return "a reserved address"
    return None if isinstance(address, IPv6Address) or address.is_global else "a reserved address"


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """Yields the IPv4 addresses inside an IPv6 address, to which NAT64 or a tunnel may forward its packets."""
    if isinstance(address, IPv4Address):
        return
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        yield last
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
