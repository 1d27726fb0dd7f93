"""Lists the secret values in the settings, so that they can be removed from texts of errors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import fields
from urllib.parse import quote, unquote

from talkwire.core.domain.ice_servers import parse_ice_server
from talkwire.settings.model import SettingValues

SECRET_MIN_LENGTH = 4
"""Shortest secret that is removed from texts, in characters. Shorter ones are parts of ordinary words."""

_URLS = ("database", "redis", "jwt_jwks_url", "otlp_endpoint")
_WHOLE = frozenset(each.name for each in fields(SettingValues) if not each.repr) - {*_URLS, "ice_servers"}
_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")
_SECRET_PARAMETER = re.compile(r"[?&]\w*(?:password|secret|token|key)=([^&#]*)", re.IGNORECASE)


def secret_values(settings: SettingValues) -> tuple[str, ...]:
    """Returns the secret values in the settings and in variables that libraries read, the longest first, each also as
    it is written in URLs and by Python's `repr`."""
    values = {form for value in _values(settings) for form in (value, quote(value, ""), repr(value)[1:-1])}
    return tuple(sorted((value for value in values if len(value) >= SECRET_MIN_LENGTH), key=len, reverse=True))


def _values(settings: SettingValues) -> Iterator[str]:
    for name in _WHOLE:
        yield getattr(settings, name) or ""
    for name in _URLS:
        yield from _of_url(getattr(settings, name) or "")
    for server in map(parse_ice_server, settings.ice_servers):
        yield server.credential or ""
    for name in _VARIABLES:
        yield os.environ.get(name, "")


def _of_url(url: str) -> Iterator[str]:
    """Yields the secrets in a URL, but none that is also a name in it, such as the user's: names are no secrets, and
    errors need them."""
    credentials, _, place = url.partition("://")[2].rpartition("@")
    user, _, password = credentials.partition(":")
    names = {user, *re.split(r"[/:?,]", place)}
    for raw in {password, *_SECRET_PARAMETER.findall(url)} - names:
        yield raw
        yield unquote(raw)
