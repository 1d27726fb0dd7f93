"""Parses the origins of web pages (RFC 6454): those that clients send, and those that operators name, with wildcards.

An origin is written as browsers send it: in lower case, with an internationalized name as punycode, and without the
default port of its scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, NoReturn

from yarl import URL

_DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}

_PLACE = r"(\[[0-9a-f:.]+\]|[^\s:/?#@\\\[\]]*)(?::([0-9]{0,5}))?"

_SENT = re.compile(rf"([a-z][a-z0-9+.-]*)://{_PLACE}(?:[/?#]\S*)?")
"""Pattern of an origin as clients send it. Some that are no browsers send a whole URL."""

_HOST = re.compile(_PLACE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_NAMED = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([^:]*))?")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")

_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
"""Pattern of a host that browsers read as an IPv4 address."""

_OPAQUE_HOST = re.compile(r"[a-z0-9._~-]*")
"""Pattern of the host of a scheme that apps define, such as `app://.`; `file://` has none."""

_WILDCARD_LABEL = re.compile(r"[a-z0-9_-]*\*[a-z0-9_-]*")
_LABEL = "[a-z0-9_-]+"
_PORT_MAX = 65535

EXAMPLE = "https://app.example.com"


class PageOrigin(NamedTuple):
    """A parsed origin. `host` has the brackets of IPv6; `port` is empty if it is the default port of the scheme."""

    scheme: str
    host: str
    port: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}" if self.port else f"{self.scheme}://{self.host}"


def sent_origin(text: str) -> PageOrigin | None:
    """Returns the origin in a request's header `Origin`; None if the text has none, such as `null`."""
    found = _SENT.fullmatch(text.lower())
    if found is None:
        return None
    scheme, host, port = found.groups(default="")
    return None if port and int(port) > _PORT_MAX else PageOrigin(scheme, host, _shown_port(scheme, port))


def sent_host(text: str) -> tuple[str, str]:
    """Returns the name and the port in a request's header `Host`, without checking whether the port is a default one;
    two empty texts if the header is invalid."""
    found = _HOST.fullmatch(text.lower())
    if found is None:
        return "", ""
    host, port = found.groups(default="")
    return host, port


def canonical_origin(text: str) -> str:
    """Returns an origin that an operator has named as browsers send it: `https://App.Example.com:443/` becomes
    `https://app.example.com`. Wildcards, `*` and `null` stay. Raises ValueError that says what is wrong with the text.
    """
    text = text.strip()
    if text in {"*", "null"}:
        return text
    if "@" in text:  # perhaps a password, which no error may show
        raise ValueError(f"an origin has neither a user name nor a password: it is like {EXAMPLE}")
    scheme, separator, place = text.lower().partition("://")
    if not separator or _SCHEME.fullmatch(scheme) is None:
        _refuse(text, "it does not begin with a scheme and ://")
    place = place.rstrip("/")
    if re.search(r"[/?#\\]", place):
        _refuse(text, "an origin has no path, only a scheme, a host and perhaps a port")
    found = _NAMED.fullmatch(place)
    if found is None:
        _refuse(text, "its host is invalid; an IPv6 address stands in brackets")
    host, port = found.groups(default="")
    if port not in {"", "*"} and (re.fullmatch("[0-9]{1,5}", port) is None or not 0 < int(port) <= _PORT_MAX):
        _refuse(text, f"its port must be a number from 1 to {_PORT_MAX}, or * for any port")
    return str(PageOrigin(scheme, _canonical_host(text, scheme, host), _shown_port(scheme, port)))


def matcher_of(origins: Iterable[str]) -> re.Pattern[str] | None:
    """Returns a regular expression that matches the origins that those with wildcards in `origins` name; None if none
    has a wildcard. `origins` are canonical."""
    expressions = [_expression(origin) for origin in origins if "*" in origin and origin != "*"]
    return re.compile("|".join(expressions)) if expressions else None


def _expression(origin: str) -> str:
    fixed, any_port, _ = origin.partition(":*")
    expression = re.escape(fixed)
    expression = expression.replace(r"://\*\.", rf"://(?:{_LABEL}\.)+").replace(r"\*", _LABEL)
    return f"{expression}(?::[0-9]+)?" if any_port else expression


def _shown_port(scheme: str, port: str) -> str:
    number = port.lstrip("0") or port[:1]
    return "" if number == _DEFAULT_PORTS.get(scheme) else number


def _canonical_host(text: str, scheme: str, host: str) -> str:
    if scheme not in _DEFAULT_PORTS:
        if _OPAQUE_HOST.fullmatch(host) is None:
            _refuse(text, "only origins of http and https have wildcards and international names")
        return host
    if host.startswith("["):
        try:
            return f"[{IPv6Address(host[1:-1])}]"
        except ValueError:
            _refuse(text, "its IPv6 address is invalid")
    if "*" not in host:
        return _ascii_name(text, host)
    label, _, parent = host.partition(".")
    if _WILDCARD_LABEL.fullmatch(label) is None or "*" in parent:
        _refuse(text, "one * may stand in the first part of the name, as in https://*.example.com")
    if "." not in parent.rstrip(".") and parent != "localhost":
        _refuse(text, "a * must be followed by a domain, as in https://*.example.com; * alone allows every page")
    return f"{label}.{_ascii_name(text, parent)}"


def _ascii_name(text: str, host: str) -> str:
    """Returns a host name as browsers send it, with international names as punycode."""
    try:
        name = host if host.isascii() else URL.build(scheme="http", host=host).raw_host or ""
    except ValueError:
        name = ""
    if _NAME.fullmatch(name) is None:
        _refuse(text, "its host name is missing or invalid; https://*.example.com names all subdomains")
    if _NUMBER.fullmatch(name) is not None:
        try:
            IPv4Address(name)
        except ValueError:
            _refuse(text, "its IPv4 address must be four numbers, such as 127.0.0.1")
    return name


def _refuse(text: str, reason: str) -> NoReturn:
    raise ValueError(f'"{text}" is not an origin such as {EXAMPLE}: {reason}')
