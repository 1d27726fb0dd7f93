"""Parses hosts, database URLs and origins of frames as operators write them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

from talkwire.identity.page_origins import canonical_origin

_FRAMING_ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
"""Pattern of the origins that a `Content-Security-Policy` can name, without its own characters."""


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach a host. Of host names, only `localhost` counts; others are not
    resolved.
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_postgresql(url: str) -> bool:
    return scheme_of(url) in {"postgresql", "postgres"}


def sqlite_path(url: str) -> Path:
    """Returns the path in a SQLite URL, `sqlite:///relative.db` or `sqlite:////absolute.db`. The caller has checked
    that the URL is one of SQLite."""
    return Path(url.partition("://")[2].removeprefix("/"))


def embed_origin(text: str) -> str:
    """Returns, in canonical form, an origin whose pages may show the web client in a frame; `self` is the server's own
    origin.

    Raises ValueError for other texts. `*` and parts of names are not allowed: the web client sends messages to the page
    around the frame by its exact origin.
    """
    if text == "self":
        return text
    origin = canonical_origin(text)
    if _FRAMING_ORIGIN.fullmatch(origin) is None:
        raise ValueError(f'"{text}" is neither an origin such as https://app.example.com, without wildcards, nor self')
    return origin


def scheme_of(url: str) -> str:
    return url.partition("://")[0].partition("+")[0]
