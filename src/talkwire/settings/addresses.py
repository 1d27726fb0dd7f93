"""Parses hosts, database URLs and origins as operators write them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach the address. Of names, only `localhost` counts."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_postgresql(url: str) -> bool:
    return scheme_of(url) in {"postgresql", "postgres"}


def sqlite_path(url: str) -> Path:
    """Returns the file of `sqlite:///relative.db` or `sqlite:////absolute.db`."""
    return Path(url.partition("://")[2].removeprefix("/"))


def canonical_origin(text: str) -> str:
    """Returns an origin as browsers send it: `https://App.example.com:443/chat` becomes `https://app.example.com`.

    Raises ValueError.
    """
    if text == "*":
        return text
    parts = urlsplit(text.strip())
    if not parts.scheme or not parts.hostname or parts.username is not None:
        raise ValueError(f'"{text}" is not an origin such as https://app.example.com')
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    shown_port = "" if port is None or _DEFAULT_PORTS.get(parts.scheme) == port else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}"


def scheme_of(url: str) -> str:
    return url.partition("://")[0].partition("+")[0]
