"""Checks of single values of settings, which the settings name in `model.py`. Each raises ValueError for an invalid
value, with a text that says what the value must be and does not name the setting.

They open no files and resolve no names; the command `talkwire check` does that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import SplitResult, urlsplit

from talkwire.core.domain.currencies import CURRENCIES
from talkwire.core.domain.model import is_valid_id
from talkwire.core.domain.search.metadata_keys import METADATA_KEY_MAX_LENGTH
from talkwire.core.engine.limits import parse_rates
from talkwire.egress import AddressRules
from talkwire.settings.addresses import is_loopback, scheme_of, sqlite_path
from talkwire.settings.logos import LOGO_TYPES, logo_type
from talkwire.storage.conninfo import parse, refuse_raw_credentials

_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")

# --- numbers and durations ------------------------------------------------------------------------------------------


def between(least: float, most: float, unit: str = "") -> Callable[[float], None]:
    """Returns the check of a number that must be from `least` to `most`, in units of `unit`."""

    def check(number: float) -> None:
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most} {unit}".rstrip())

    return check


def at_most(most_s: float) -> Callable[[float], None]:
    """Returns the check of a number of seconds that must be more than 0 and at most `most_s`."""

    def check(seconds: float) -> None:
        if not 0 < seconds <= most_s:
            raise ValueError(f"must be more than 0 and at most {most_s:g} seconds")

    return check


def stall_exit(seconds: float) -> None:
    if seconds != 0 and not 5 <= seconds <= 3600:
        raise ValueError("must be 0, or from 5 to 3600 seconds")


def lifetime(duration: timedelta) -> None:
    if not timedelta(seconds=1) <= duration <= timedelta(days=3660):
        raise ValueError("must be from one second to ten years")


def retention(duration: timedelta) -> None:
    if not timedelta(minutes=1) <= duration <= timedelta(days=36600):
        raise ValueError("must be from one minute to a hundred years")


# --- texts ----------------------------------------------------------------------------------------------------------


def filled(text: str) -> None:
    if not text.strip():
        raise ValueError("must not be empty")


def prefix(text: str) -> None:
    if _PREFIX.fullmatch(text) is None:
        raise ValueError(
            "must begin with / and not end with it, and have letters, digits and . _ ~ - only, such as /chat"
        )


def currency(text: str) -> None:
    if text not in CURRENCIES:
        raise ValueError("must be the ISO 4217 code of a currency, such as EUR")


def logo(path: str) -> None:
    """Raises `ValueError` unless the file name of `path` ends like an image that browsers show."""
    if logo_type(path) is None:
        raise ValueError(f"must be a file that ends with {', '.join(LOGO_TYPES)}")


def database_url(url: str) -> None:
    scheme = scheme_of(url)
    if "://" not in url or scheme not in {"postgresql", "postgres", "sqlite"}:
        raise ValueError("must be a URL like postgresql://user@host/name or sqlite:///path")
    if scheme == "sqlite":
        if (
            str(sqlite_path(url)) in {".", ":memory:"}
            or "?" in url
            or not url.startswith(f"{url.partition(':')[0]}:///")
        ):
            raise ValueError("must name a file: sqlite:///path")
        return
    with suppress(ImportError):  # without its driver, a command says so when it needs the database
        parse(url)


def redis_url(url: str) -> None:
    if not url.startswith("unix:///"):
        refuse_raw_credentials(url.partition("://")[2], "/?#[]")
    parts = _split(url)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must be a URL like redis://host:6379/0, rediss://… or unix://…")
    if not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError("must name a host" if parts.scheme != "unix" else "must name a path")
    _check_port(url)


def http_url(url: str) -> None:
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL like https://host/path")
    _check_port(url)


def requested_url(url: str) -> None:
    """Raises ValueError for a URL to which `egress` never sends a request of the operator's, such as one with a
    password."""
    http_url(url)
    AddressRules.of_operator().check_url(url)


def issuer(url: str) -> None:
    public_url(url)
    requested_url(url)
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://, since anyone on the network could change what comes over http://")


def public_url(url: str) -> None:
    http_url(url)
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("must be an address without a query or a fragment, such as https://chat.example.com")


def vapid_subject(text: str) -> None:
    if not text.startswith(("mailto:", "https://")) or text in {"mailto:", "https://"}:
        raise ValueError("must be an address like mailto:operator@example.com or https://example.com/contact")


def files_place(place: str) -> None:
    if place.startswith("s3://"):
        parts = urlsplit(place)
        if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must name a bucket, s3://bucket/prefix, and nothing else")
    elif "://" in place or not place.strip():
        raise ValueError("must be a folder or s3://bucket/prefix")


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        refuse_raw_credentials(url.partition("://")[2], "/?#")
        raise ValueError("the port must be a number from 0 to 65535") from None


def _split(url: str) -> SplitResult:
    """Returns the parts of a URL. Raises ValueError without a part of the URL, which may have a password."""
    try:
        return urlsplit(url)
    except ValueError:
        refuse_raw_credentials(url.partition("://")[2], "/?#[]")
        raise ValueError("is not a valid URL; special characters in it must be percent-encoded") from None


# --- items of lists -------------------------------------------------------------------------------------------------


def network(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'"{text}" is neither an address nor a network such as 10.0.0.0/8') from None


def conversation_id(text: str) -> None:
    if "*" in text:
        raise ValueError(f'"{text}" has a wildcard; write the id of each conversation')
    if not is_valid_id(text):
        raise ValueError(f'"{text}" is not a valid conversation id')


def name(text: str) -> None:
    if not text:
        raise ValueError("must not contain an empty name")
    if text == "*":
        raise ValueError("has no wildcards; write each name")
    if ";" in text:
        raise ValueError(f'"{text}" is not a name; separate names with commas')


def metadata_key(text: str) -> None:
    name(text)
    if len(text) > METADATA_KEY_MAX_LENGTH:
        raise ValueError(f"a key must have at most {METADATA_KEY_MAX_LENGTH} characters")
    if "\x00" in text:
        raise ValueError("a key must not contain U+0000")


def rate(text: str) -> None:
    parse_rates([text])
