"""Validates the settings of callbacks (requests to the application's back end)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from talkwire.egress import AddressRules, RefusedUrl
from talkwire.operations.names import commands_named
from talkwire.settings.model import SettingValues

CONNECT = "connect"
CALLBACK_SECRET_FILE = "callback-secret"  # noqa: S105 (its name)

_ANOTHER = re.compile(r"[\s;][^=]*=\s*https?://")
"""Pattern of the text behind the URL of a callback if another separator than a comma is between two callbacks."""

CALLBACK_SETTINGS = frozenset(
    {"callbacks", "callback_timeout_s", "callback_on_failure", "callback_secret", "webhook_allow"}
)


def address_rules(settings: SettingValues) -> AddressRules:
    """Returns the rules for URLs that the server may send webhooks and callbacks to.

    Raises ValueError if the setting `webhook_allow` has an invalid network.
    """
    return AddressRules.of(settings.webhook_allow, loopback=settings.demo)


def callback_urls(settings: SettingValues) -> Mapping[str, str]:
    """Returns the URL of each configured callback by the callback's name. The settings must be valid."""
    pairs = (text.partition("=") for text in settings.callbacks)
    return {name.strip(): url.strip() for name, _, url in pairs}


def callback_problems(settings: SettingValues) -> Iterator[tuple[str, str]]:
    """Yields each problem with the settings of callbacks, as (setting's name, error text)."""
    if settings.callbacks and settings.callback_secret is None and settings.on_postgresql:
        yield "callback_secret", "is required for callbacks on PostgreSQL, since all nodes must share it"
    yield from (("callbacks", message) for message in _url_problems(settings))


def _url_problems(settings: SettingValues) -> Iterator[str]:
    try:
        rules = address_rules(settings)
    except ValueError:
        return  # the problem of webhook_allow is reported there
    seen: set[str] = set()
    for text in settings.callbacks:
        name, _, url = (part.strip() for part in text.partition("="))
        if name in seen:
            yield f'"{name}": must be given only once'
        seen.add(name)
        problem = _problem_of(name, url, rules)
        if problem is not None:
            yield problem


def _problem_of(name: str, url: str, rules: AddressRules) -> str | None:
    try:
        if name != CONNECT:
            commands_named(name)
    except ValueError as error:
        return str(error)
    if _ANOTHER.search(url) is not None:
        return f'"{name}": separate callbacks with commas'
    try:
        rules.check_url(url)
    except RefusedUrl as refused:
        return f'"{name}": {refused}'
    return None
