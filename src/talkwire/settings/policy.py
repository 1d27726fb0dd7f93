"""Derives from the settings what users may do: sign up, find others, create and delete conversations."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from talkwire.core.domain.access_policy import AccessPolicy, Accounts, WebSignIn
from talkwire.dialects.names import DIALECT_NAMES
from talkwire.settings.addresses import is_loopback
from talkwire.settings.settings import Settings


def access_policy(settings: Settings) -> AccessPolicy:
    """Returns what these settings allow users to do (the access policy), with defaults for values that are not set.

    An application that signs its own tokens has its own users. So its server is closed by default: no accounts, users
    find only their contacts, and only the backend creates channels.
    """
    own_users = settings.has_token_keys
    return AccessPolicy(
        accounts=settings.accounts or _default_accounts(settings),
        directory=settings.directory or ("contacts" if own_users else "everyone"),
        create_direct=settings.create_direct,
        create_group=settings.create_group,
        create_channel=settings.create_channel or ("service" if own_users else "everyone"),
        delete_conversation=settings.delete_conversation,
        streams=settings.streams,
        open_streams=settings.open_streams,
        open_agent_streams=settings.open_agent_streams,
        max_turn_tries=settings.max_turn_tries,
        turn_alert_s=settings.turn_alert_s,
        max_agent_depth=settings.max_agent_depth,
        agent_messages_per_hour=settings.agent_messages_per_hour,
        default_conversations=settings.default_conversations,
        conversation_keys=settings.conversation_keys,
        oidc_issuer=None if settings.oidc_issuer is None else settings.oidc_issuer.rstrip("/"),
    )


def _default_accounts(settings: Settings) -> Accounts:
    if settings.demo:
        return "open"
    if settings.has_token_keys:
        return "off"
    return "open" if is_loopback(settings.host) else "invite"


def web_sign_in(settings: Settings) -> WebSignIn:
    """Returns how people sign in to the web client: with an account, or with a token if the server has no accounts.

    The setting `web_sign_in` overrides it.
    """
    if settings.web_sign_in is not None:
        return settings.web_sign_in
    return "token" if access_policy(settings).accounts == "off" else "account"


def values_in_force(settings: Settings) -> Mapping[str, object]:
    """Returns the values of the settings whose default depends on other settings, by name."""
    policy = access_policy(settings)
    return {
        "accounts": policy.accounts,
        "directory": policy.directory,
        "create_channel": policy.create_channel,
        "web_sign_in": web_sign_in(settings),
        "drain_s": settings.drain_window_s,
        "dialects": served_dialects(settings),
    }


def served_dialects(settings: Settings) -> tuple[str, ...]:
    """Returns the names of the built-in dialects (event vocabularies of client applications) that are served: all, or
    the configured ones and that of the root namespace."""
    configured = {settings.dialect, *settings.dialects} if settings.dialects else set(DIALECT_NAMES)
    return tuple(name for name in DIALECT_NAMES if name in configured)


def provider_name(settings: Settings) -> str:
    """Returns the OpenID provider's name for the sign-in button: the setting `oidc_name`, or the host of
    `oidc_issuer`.
    """
    return settings.oidc_name or urlsplit(settings.oidc_issuer or "").hostname or ""


def served_by_another(settings: Settings) -> Settings:
    """Returns the settings for a chat that runs inside another ASGI server: accounts need an invitation by default.

    The setting `host` does not say on which address that server listens, so the default cannot depend on it. A demo,
    which serves this machine only, stays open.
    """
    if settings.accounts is not None or settings.demo or settings.has_token_keys:
        return settings
    return settings.changed(accounts="invite")
