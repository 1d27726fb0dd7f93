"""Finds the links in a text for which the server may fetch a preview.

Opening a link can do something, or reveal something: a link to confirm an address, to reset a password or to a shared
document works for everyone who has it. So the server leaves out every link that may be meant for one person only, and
every name that belongs to a private network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import SplitResult, parse_qsl, urlsplit

from talkwire.core.domain.markup.blocks import pieces_of
from talkwire.core.domain.markup.inlines import Address

LINKS_MAX = 3
"""Most links of a message that get a preview."""

CANDIDATES_MAX = 50
"""Most links of a message that are examined for whether they get a preview."""

LINK_MAX_LENGTH = 1000
"""Longest link that gets a preview, in characters."""

_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_PRIVATE_NAMES = (
    *("local", "localhost", "internal", "intranet", "lan", "home", "corp", "private", "test", "invalid", "example"),
    *("arpa", "onion"),
)

_SECRET_NAME = re.compile(
    r"token|secret|sig(?:nature)?|hmac|passw|pwd|auth|jwt|session|sid|ticket|nonce|otp|code|key|credential|expires"
    r"|invit|confirm|verif|unsubscribe|reset|magic|sso|x-amz|x-goog|x-ms",
    re.IGNORECASE,
)
"""Pattern of parts of the names of query parameters that contain a secret, or that make a link do something when it is
opened."""

_ACTING_PATH = re.compile(
    r"(?:^|[/_.-])(?:invit\w*|confirm\w*|verif\w*|unsubscribe|reset|magic\w*|activate|log-?(?:in|out)|sign-?(?:in|out)|sso"
    r"|oauth\w*|callback|token|share[ds]?)(?:[/_.-]|$)",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"[0-9a-zA-Z_-]{20,}")

_SCHEME = re.compile("https?://", re.IGNORECASE)

LISTED_MAX_LENGTH = 2048
"""Longest link that a conversation's list of links has, in characters."""


def links_in(content: str) -> tuple[str, ...]:
    """Returns the links in a text outside of code, without duplicates. Leaves out links with more than
    `LISTED_MAX_LENGTH` characters."""
    found = (address.href for address in _addresses(content))
    return tuple(dict.fromkeys(href for href in found if len(href) <= LISTED_MAX_LENGTH))


def previewable_links(content: str, *, private: bool = False) -> tuple[str, ...]:
    """Returns the first `LINKS_MAX` links of a text for which the server may fetch a preview, without duplicates and
    without the part after `#`. Looks only at the first `CANDIDATES_MAX` links. A link in angle brackets has no preview:
    that is how an author asks for none. `private` also allows links into private networks, as in `is_previewable`."""
    found = (address.href for address in _addresses(content) if not address.is_bracketed)
    candidates = dict.fromkeys(href.partition("#")[0] for href in islice(found, CANDIDATES_MAX))
    allowed = (link for link in candidates if is_previewable(link, private=private))
    return tuple(islice(allowed, LINKS_MAX))


def _addresses(content: str) -> Iterator[Address]:
    """Yields the addresses of pages in a text that are written with their scheme."""
    if "://" in content:
        for piece in pieces_of(content, "://"):
            if isinstance(piece, Address) and piece.has_scheme and _SCHEME.match(piece.href) is not None:
                yield piece


def is_previewable(link: str, *, private: bool = False) -> bool:
    """Returns whether the server may fetch a link for a preview: it must use https and a public host name, and no part
    of it may look like a secret.

    `private` also allows names and addresses of private networks, and http. To which of these the server may connect is
    then decided by `egress/address_rules.py`.
    """
    parts = _fetchable(link, private=private)
    return parts is not None and not _is_personal_path(parts.path) and not _has_secret(parts.query, by_value=True)


def is_fetchable_picture(url: str, *, private: bool = False) -> bool:
    """Returns whether the server may fetch a page's picture: like `is_previewable`, but its path may be
    anything, and the value of a parameter may look random, as names of pictures often do.
    """
    parts = _fetchable(url, private=private)
    return parts is not None and not _has_secret(parts.query, by_value=False)


def _fetchable(link: str, *, private: bool) -> SplitResult | None:
    """Returns the parts of a URL if the server may fetch it, apart from secrets in its path and query; None if not."""
    if len(link) > LINK_MAX_LENGTH:
        return None
    try:
        parts = urlsplit(link)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if "@" in parts.netloc:
        return None
    if private:
        return parts if parts.scheme in {"http", "https"} and host else None
    return parts if parts.scheme == "https" and port in {None, 443} and _is_public(host) else None


def _is_public(host: str) -> bool:
    name = host.removesuffix(".")
    return _NAME.fullmatch(name) is not None and name.rpartition(".")[2] not in _PRIVATE_NAMES


def _is_personal_path(path: str) -> bool:
    return _ACTING_PATH.search(path) is not None or any(_is_random(part) for part in path.split("/"))


def _has_secret(query: str, *, by_value: bool) -> bool:
    """Returns whether a parameter has the name of a secret or, with `by_value`, a value that looks like one."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return any(_SECRET_NAME.search(name) or (by_value and _is_random(value)) for name, value in pairs)


def _is_random(text: str) -> bool:
    """Returns whether a part of a link looks like a random secret: long, with several digits and letters. Words joined
    by hyphens, as in the address of an article, do not look random."""
    for run in _RANDOM.findall(text):
        words = [word for word in re.split(r"[-_]", run) if word]
        longest = max(words, key=len, default="")
        joined = "".join(words)
        digits = sum(char.isdigit() for char in joined)
        mixed = any(char.isupper() for char in longest) and any(char.islower() for char in longest)
        if digits >= 4 and any(char.isalpha() for char in joined) and (len(longest) >= 16 or digits * 4 >= len(joined)):
            return True
        if mixed and len(longest) >= 20:
            return True
    return False
