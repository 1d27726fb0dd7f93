"""Builds the objects that decide who may connect and send requests: accounts, sign-in, callers, origins and limits."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import structlog

from talkwire.api.http.own_paths import FILES
from talkwire.api.streamed_request import STREAM_FORMAT, STREAM_PATH, has_parameter
from talkwire.callbacks.application_callbacks import ApplicationCallbacks
from talkwire.composition.foundation import Foundation
from talkwire.core.commands.accounts import HasAdmin
from talkwire.core.domain.actors import STARTER
from talkwire.core.engine.limits import Limits, parse_rates
from talkwire.egress import AddressRules, Egress, EgressClient, EgressLimits, EgressThread
from talkwire.identity.accounts import Accounts, Lifetimes
from talkwire.identity.address_tokens import AddressTokens
from talkwire.identity.callers import Callers
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.jwks import KEYS_FETCH_S, KeySet
from talkwire.identity.origins import OriginPolicy
from talkwire.identity.passwords import Passwords
from talkwire.identity.tokens import TokenPolicy, TokenVerifier
from talkwire.observability.key_fetches import KeyFetchLog
from talkwire.openid.documents import PROVIDER_REQUEST_S
from talkwire.openid.pending import SignInSeal
from talkwire.openid.sign_in import ProviderSignIn
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy, provider_name

_logger = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from redis.asyncio import Redis


def limits_of(foundation: Foundation, redis: Redis | None) -> Limits | None:
    """Returns the rate limits of this node (server process); None if rate limits are turned off.

    If Redis is configured, all nodes count the use of a limit together in Redis.
    """
    if not foundation.settings.rate_limits:
        return None
    limits = Limits(parse_rates(foundation.settings.rates), shared=redis is not None)
    limits.is_agent = foundation.chat.directory.is_agent
    if redis is not None:
        from talkwire.bus.shared_limits import SharedLimits  # noqa: PLC0415 (needs the package of an extra)

        realm = foundation.database.realm.name(foundation.chat.epoch)
        sharing = asyncio.create_task(SharedLimits(redis, limits, realm).run())
        foundation.closing.callback(sharing.cancel)
    return limits


def token_verifier(policy: TokenPolicy, thread: EgressThread, closing: AsyncExitStack) -> TokenVerifier:
    """Returns the verifier of tokens for a policy. Closing `closing` ends it. It fetches keys on `thread`."""
    if policy.jwks_url is None:
        return TokenVerifier(policy)
    client = _operator_client(KEYS_FETCH_S, thread, closing)
    key_set = KeySet(policy.jwks_url, client, log=KeyFetchLog("jwt_jwks_url", policy.jwks_url))
    verifier = TokenVerifier(policy, key_set=key_set)
    closing.push_async_callback(verifier.aclose)
    return verifier


def _operator_client(total_s: float, thread: EgressThread, closing: AsyncExitStack) -> EgressClient:
    """Returns an HTTP client for addresses that only the operator chooses, which may be in a private network. Closing
    `closing` closes it. A request may take `total_s` seconds."""
    egress = Egress(AddressRules.of_operator(), thread)
    closing.callback(egress.close)
    client = egress.client(EgressLimits(total_s=total_s, idle_s=0))
    closing.push_async_callback(client.aclose)
    return client


def accounts_of(foundation: Foundation, passwords: Passwords, secret: str | None, limits: Limits | None) -> Accounts:
    """Returns the service that registers and signs in accounts (users with an e-mail address and a password).

    `secret` signs their tokens; if it is None, every sign-in fails with `unavailable`. `limits` limits attempts.
    """
    settings = foundation.settings
    issuer = None if secret is None else TokenIssuer(secret)
    lifetimes = Lifetimes(settings.access_token_ttl.total_seconds(), settings.refresh_token_ttl.total_seconds())
    invited_only = access_policy(settings).accounts == "invite"
    return Accounts(
        foundation.chat,
        passwords,
        issuer,
        lifetimes,
        limits,
        invited_only=invited_only,
        creates_users=settings.create_users,
    )


async def note_missing_admin(foundation: Foundation) -> None:
    """Logs a note with the command that adds an admin, if people can have accounts here but no account is an admin."""
    settings = foundation.settings
    if access_policy(settings).accounts == "off" or settings.demo:
        return
    if not await foundation.chat.execute(STARTER, HasAdmin()):
        _logger.info("no_admin", hint="talkwire invite --first-admin prints a link for the first admin")


def openid_sign_in(
    foundation: Foundation, accounts: Accounts, secret: str | None, thread: EgressThread
) -> ProviderSignIn | None:
    """Returns the sign-in through the OpenID provider that the settings name; None if they name no provider.

    `secret` encrypts the cookies of pending sign-ins. The settings' rules require one with a provider. Requests to the
    provider run on `thread`.
    """
    settings = foundation.settings
    if settings.oidc_issuer is None:
        return None
    from talkwire.openid.provider import OpenIdProvider  # noqa: PLC0415 (its libraries take long to import)

    # The settings' rules require both.
    assert settings.oidc_client_id is not None
    assert secret is not None
    provider = OpenIdProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        _operator_client(PROVIDER_REQUEST_S, thread, foundation.closing),
        leeway_s=settings.jwt_leeway_s,
    )
    foundation.closing.push_async_callback(provider.aclose)
    links = settings.oidc_link_by_email
    return ProviderSignIn(provider_name(settings), provider, SignInSeal(secret), accounts, links_by_email=links)


def callers_of(
    foundation: Foundation,
    verifier: TokenVerifier,
    limits: Limits | None,
    callbacks: ApplicationCallbacks | None,
    key: bytes,
) -> Callers:
    """Returns the `Callers`, which find out the user or service behind a request's or a socket's token. `key` is the
    secret that all nodes share.

    If `callbacks` has the application's callback `connect`, the application decides about tokens that `verifier` cannot
    verify.
    """
    settings = foundation.settings
    return Callers(
        foundation.chat,
        verifier,
        AddressTokens(key),
        create_users=settings.create_users,
        policy=access_policy(settings),
        insecure_dev_auth=settings.insecure_dev_auth or settings.demo,
        limits=limits,
        foreign=None if callbacks is None else callbacks.connect,
    )


def origins_of(settings: Settings) -> OriginPolicy:
    """Returns the policy that says from which origins web pages may send requests."""
    # A web page could point its own name at this machine (DNS rebinding) and sign in as any user.
    return OriginPolicy(settings.origins, loopback_only=settings.insecure_dev_auth)


def http_limits(settings: Settings) -> HttpLimits:
    """Returns the limits of HTTP connections: timeouts, and how many connections one address may have."""
    capped = settings.rate_limits
    return HttpLimits(
        head_s=settings.head_timeout_s,
        body_s=settings.body_timeout_s,
        read_s=settings.read_timeout_s,
        keep_alive_s=settings.keep_alive_s,
        per_address=(settings.connections_per_address or None) if capped else None,
        idle_per_address=(settings.idle_connections_per_address or None) if capped else None,
        self_timed=partial(_times_its_body, settings.prefix),
    )


def _times_its_body(prefix: str, path: str, query: bytes) -> bool:
    """Returns whether the route for a path limits the time of its body itself: one of uploads, or one that writes a
    message as the body arrives."""
    if path.startswith(f"{prefix}{FILES}"):
        return True
    return path == f"{prefix}{STREAM_PATH}" and has_parameter(query, STREAM_FORMAT)
