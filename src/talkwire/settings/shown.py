"""Lists the settings for operators: each with its value and where it was set, without secrets."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from talkwire.console.setting import SettingSource, ShownSetting
from talkwire.settings.known import as_text, known_settings
from talkwire.settings.model import SettingValues
from talkwire.settings.policy import values_in_force
from talkwire.settings.settings import Settings

SHOWN_INSTEAD = "***"

_IN_URLS = frozenset({"database", "redis"})
"""Settings with secrets that are shown without them, because the rest says where the server is connected to."""

_SECRET = frozenset(each.name for each in fields(SettingValues) if not each.repr) - _IN_URLS

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_PRIVATE = "PRIVATE KEY"


def shown_settings(settings: Settings) -> tuple[ShownSetting, ...]:
    """Returns all settings with their values as text, also defaults that depend on other settings. Settings that hold a
    secret have no value, and secrets in URLs are hidden.
    """
    shown = []
    in_force = values_in_force(settings)
    for known in known_settings().values():
        value = getattr(settings, known.name)
        is_secret = known.name in _SECRET
        text = None if is_secret else public_text(in_force.get(known.name, value))
        source = _source_of(settings.sources.get(known.name), is_default=_is_same(value, known.default))
        shown.append(ShownSetting(known.name, text or None, source, is_secret))
    return tuple(shown)


def _is_same(value: object, default: object) -> bool:
    return value == (Path(str(default)) if isinstance(value, Path) else default)


def _source_of(source: str | None, *, is_default: bool) -> SettingSource:
    """Returns the kind of a setting's source, such as `--port` or a variable: `option`, `environment`, `file` or
    `default`.

    A changed value without a source comes from an embedding program and is an `option`.
    """
    if source is None:
        return "default" if is_default else "option"
    if source.startswith("--"):
        return "option"
    return "file" if " in " in source else "environment"


def public_text(value: object) -> str | None:
    """Returns a setting's value as text, with the secret parts of URLs hidden; None for a text that is a private key
    in PEM."""
    if isinstance(value, tuple):
        return ",".join(filter(None, map(public_text, value)))
    text = as_text(value)
    return None if _PRIVATE in text else _URL.sub(lambda found: found["scheme"] + _without_secrets(found["rest"]), text)


def _without_secrets(rest: str) -> str:
    """Returns the part of a URL after its scheme, with user, password, query and fragment hidden.

    A password that is not escaped may have any character. Where its end is unclear, the whole text is hidden.
    """
    credentials, at, place = rest.rpartition("@")
    if "@" in credentials or "?" in credentials or "#" in credentials:
        return SHOWN_INSTEAD
    query = min((place.index(mark) for mark in "?#" if mark in place), default=None)
    shown = place if query is None else f"{place[: query + 1]}{SHOWN_INSTEAD}"
    return f"{SHOWN_INSTEAD}@{shown}" if at else shown
