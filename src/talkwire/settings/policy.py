"""The access policy of a server, with defaults that depend on other settings."""

from __future__ import annotations

from dataclasses import replace

from talkwire.core.domain.access_policy import AccessPolicy, Accounts
from talkwire.settings.addresses import is_loopback
from talkwire.settings.settings import Settings


def access_policy(settings: Settings) -> AccessPolicy:
    """Returns the access policy of a server with these settings.

    An application that signs its own tokens has its own users. So its server is closed by default: no accounts, a
    directory of contacts, and only the backend creates channels.
    """
    own_users = settings.has_token_keys
    return AccessPolicy(
        accounts=settings.accounts or _default_accounts(settings),
        directory=settings.directory or ("contacts" if own_users else "everyone"),
        create_direct=settings.create_direct,
        create_group=settings.create_group,
        create_channel=settings.create_channel or ("service" if own_users else "everyone"),
        delete_conversation=settings.delete_conversation,
        default_conversations=settings.default_conversations,
    )


def _default_accounts(settings: Settings) -> Accounts:
    if settings.demo:
        return "open"
    if settings.has_token_keys:
        return "off"
    return "open" if is_loopback(settings.host) else "invite"


def served_by_another(settings: Settings) -> Settings:
    """Returns the settings of a chat inside another ASGI server.

    `host` does not say where that server listens. So accounts need an invitation unless `accounts` says otherwise; a
    demo, which serves this machine only, stays open.
    """
    if settings.accounts is not None or settings.demo or settings.has_token_keys:
        return settings
    return replace(settings, accounts="invite")
