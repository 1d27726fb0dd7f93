"""Checks whether settings are valid. Opens no files and resolves no names; the command `talkwire check` does that.

ValueError
 └── SettingsError   `problems` has all problems, and its text is the first one
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import get_args
from urllib.parse import SplitResult, urlsplit

from talkwire.core.domain.access_policy import Accounts, Creators, Deleters, Directory, Streamers, WebSignIn
from talkwire.core.domain.currencies import CURRENCIES
from talkwire.core.domain.ice_servers import parse_ice_server
from talkwire.core.domain.model import is_valid_id
from talkwire.core.domain.search.metadata_keys import KEY_MAX_LENGTH, KEYS_MAX
from talkwire.core.engine.limits import parse_rates
from talkwire.egress import AddressRules
from talkwire.identity.page_origins import canonical_origin
from talkwire.push.vapid import parse_private_key
from talkwire.settings.addresses import embed_origin, is_loopback, scheme_of, sqlite_path
from talkwire.settings.callbacks import callback_problems
from talkwire.settings.logos import LOGO_TYPES, logo_type
from talkwire.settings.model import Names, SettingValues, as_names
from talkwire.storage.conninfo import parse, refuse_raw_credentials

DIALECTS = ("messenger", "talks", "whatsapp", "crm", "gateway")
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "json", "console")
RECOVERY_MODES = ("ask", "always", "never")
PUSH_CONTENTS = ("full", "sender", "none")

_POLICIES = {
    "accounts": Accounts,
    "directory": Directory,
    "create_direct": Creators,
    "create_group": Creators,
    "create_channel": Creators,
    "delete_conversation": Deleters,
    "streams": Streamers,
    "web_sign_in": WebSignIn,
}

MIN_PAYLOAD = 1024
MAX_PAYLOAD = 100_000_000
MAX_FILE_SIZE = 10**12
MAX_USER_STORAGE = 10**15
MAX_CAP = 10_000_000
OPEN_STREAMS_MAX = 10_000

WORKERS_MAX = 256
MAX_PORT = 65535
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")


@dataclass(frozen=True, slots=True)
class Problem:
    """A setting's invalid value: the setting's name and an error text.

    `source` is where the value was set, such as `--port`; None if Python code passed it.
    """

    name: str
    message: str
    source: str | None = None

    def __str__(self) -> str:
        return f"{self.source or self.name}: {self.message}"


class SettingsError(ValueError):
    """Raised if settings are invalid. `problems` has all problems; the error's text is the first one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(str(problems[0]))
        self.problems = tuple(problems)


def problems_of(settings: SettingValues) -> list[Problem]:
    """Returns all problems with the settings; an empty list if they are valid."""
    return [
        *_single_problems(settings),
        *_address_problems(settings),
        *_key_problems(settings),
        *_offer_problems(settings),
        *_provider_problems(settings),
        *_list_problems(settings),
        *(Problem(name, message) for name, message in callback_problems(settings)),
        *_number_problems(settings),
        *_duration_problems(settings),
    ]


def _single_problems(settings: SettingValues) -> Iterator[Problem]:
    for name, value, known in (
        ("dialect", settings.dialect, DIALECTS),
        ("log_level", settings.log_level, LOG_LEVELS),
        ("log_format", settings.log_format, LOG_FORMATS),
        ("recovery", settings.recovery, RECOVERY_MODES),
        ("push_content", settings.push_content, PUSH_CONTENTS),
    ):
        if value not in known:
            yield Problem(name, f'must be one of {", ".join(known)}, not "{value}"')
    for name, choices in _POLICIES.items():
        choice: str | None = getattr(settings, name)
        if choice is not None and choice not in get_args(choices):
            yield Problem(name, f'must be one of {", ".join(get_args(choices))}, not "{choice}"')
    for name in settings.dialects:
        if name not in DIALECTS:
            yield Problem("dialects", f'must be one of {", ".join(DIALECTS)}, not "{name}"')
    if _PREFIX.fullmatch(settings.prefix) is None:
        yield Problem(
            "prefix", "must begin with / and not end with it, and have letters, digits and . _ ~ - only, such as /chat"
        )
    for name, text in (
        ("host", settings.host),
        ("internal_host", settings.internal_host),
        ("user_id_claim", settings.user_id_claim),
        ("role_claim", settings.role_claim),
        ("web_name", settings.web_name),
        ("web_description", settings.web_description),
    ):
        if text is not None and not text.strip():
            yield Problem(name, "must not be empty")


def _address_problems(settings: SettingValues) -> Iterator[Problem]:
    if settings.insecure_dev_auth and not is_loopback(settings.host):
        name = "demo" if settings.demo else "insecure_dev_auth"
        yield Problem(
            name, f'accepts any user id without a token, so the host must be 127.0.0.1, not "{settings.host}"'
        )
    for name, url, check in (
        ("database", settings.database, _check_database_url),
        ("redis", settings.redis, _check_redis_url),
        ("jwt_jwks_url", settings.jwt_jwks_url, _check_requested_url),
        ("otlp_endpoint", settings.otlp_endpoint, _check_http_url),
        ("public_url", settings.public_url, _check_public_url),
        ("oidc_issuer", settings.oidc_issuer, _check_issuer),
        ("vapid_private_key", settings.vapid_private_key, parse_private_key),
        ("vapid_subject", settings.vapid_subject, _check_vapid_subject),
        ("files", settings.files, _check_files_place),
        ("web_logo", settings.web_logo, _check_logo),
    ):
        message = None if url is None else _refusal(check, url)
        if message is not None:
            yield Problem(name, message)
    if settings.workers > 1 and not settings.on_postgresql:
        yield Problem("workers", "more than one requires PostgreSQL; a SQLite database has one server")
    if settings.internal_port <= MAX_PORT < settings.internal_port + settings.workers - 1:
        yield Problem("internal_port", f"must leave room for a port of each worker, up to {MAX_PORT}")


def _check_logo(path: str) -> None:
    """Raises `ValueError` unless the file name of `path` ends like an image that browsers show."""
    if logo_type(path) is None:
        raise ValueError(f"must be a file that ends with {', '.join(LOGO_TYPES)}")


def _check_database_url(url: str) -> None:
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


def _check_redis_url(url: str) -> None:
    if not url.startswith("unix:///"):
        refuse_raw_credentials(url.partition("://")[2], "/?#[]")
    parts = _split(url)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must be a URL like redis://host:6379/0, rediss://… or unix://…")
    if not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError("must name a host" if parts.scheme != "unix" else "must name a path")
    _check_port(url)


def _check_http_url(url: str) -> None:
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL like https://host/path")
    _check_port(url)


def _check_requested_url(url: str) -> None:
    """Raises ValueError for a URL to which `egress` never sends a request of the operator's, such as one with a
    password."""
    _check_http_url(url)
    AddressRules.of_operator().check_url(url)


def _check_issuer(url: str) -> None:
    _check_public_url(url)
    _check_requested_url(url)
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://, since anyone on the network could change what comes over http://")


def _check_public_url(url: str) -> None:
    _check_http_url(url)
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("must be an address without a query or a fragment, such as https://chat.example.com")


def _check_vapid_subject(text: str) -> None:
    if not text.startswith(("mailto:", "https://")) or text in {"mailto:", "https://"}:
        raise ValueError("must be an address like mailto:operator@example.com or https://example.com/contact")


def _check_files_place(place: str) -> None:
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


def _offer_problems(settings: SettingValues) -> Iterator[Problem]:
    if settings.offer_currency not in CURRENCIES:
        yield Problem("offer_currency", "must be the ISO 4217 code of a currency, such as EUR")


def _key_problems(settings: SettingValues) -> Iterator[Problem]:
    if settings.jwt_public_key is not None and settings.jwt_jwks_url is not None:
        yield Problem("jwt_public_key", "a public key and a JWKS address exclude each other")
    for name in ("jwt_secret", "jwt_public_key", "jwt_issuer", "jwt_audience"):
        value: Names | None = getattr(settings, name)
        if value is not None and not (value.strip() if isinstance(value, str) else value):
            yield Problem(name, "must not be empty")


def _provider_problems(settings: SettingValues) -> Iterator[Problem]:
    """Yields the problems with the settings of an OpenID provider (`oidc_…`)."""
    for name in ("oidc_client_id", "oidc_client_secret", "oidc_name"):
        value: str | None = getattr(settings, name)
        if value is not None and not value.strip():
            yield Problem(name, "must not be empty")
    if settings.oidc_issuer is None:
        return
    if settings.oidc_client_id is None:
        yield Problem("oidc_client_id", "is required with oidc_issuer")
    if settings.on_postgresql and settings.jwt_secret is None:
        yield Problem("jwt_secret", "is required on PostgreSQL with oidc_issuer, since all nodes must share it")


def _list_problems(settings: SettingValues) -> Iterator[Problem]:
    for name, texts, check in (
        ("origins", settings.origins, canonical_origin),
        ("embed_origins", settings.embed_origins, embed_origin),
        ("trusted_proxies", settings.trusted_proxies, _check_network),
        ("webhook_allow", settings.webhook_allow, _check_network),
        ("push_allow", settings.push_allow, _check_network),
        ("link_preview_allow", settings.link_preview_allow, _check_network),
        ("rates", settings.rates, lambda text: parse_rates([text])),
        ("ice_servers", settings.ice_servers, parse_ice_server),
        ("default_conversations", settings.default_conversations, _check_conversation_id),
        ("conversation_keys", settings.conversation_keys, _check_metadata_key),
        ("service_roles", settings.service_roles, _check_name),
        ("admin_roles", settings.admin_roles, _check_name),
        ("keep_claims", settings.keep_claims, _check_name),
        ("jwt_issuer", as_names(settings.jwt_issuer), _check_name),
        ("jwt_audience", as_names(settings.jwt_audience), _check_name),
    ):
        message = next((message for text in texts if (message := _refusal(check, text)) is not None), None)
        if message is not None:
            yield Problem(name, message)
    if len(set(settings.conversation_keys)) > KEYS_MAX:
        yield Problem("conversation_keys", f"must have at most {KEYS_MAX} keys")


def _check_network(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'"{text}" is neither an address nor a network such as 10.0.0.0/8') from None


def _check_conversation_id(text: str) -> None:
    if "*" in text:
        raise ValueError(f'"{text}" has a wildcard; write the id of each conversation')
    if not is_valid_id(text):
        raise ValueError(f'"{text}" is not a valid conversation id')


def _check_name(text: str) -> None:
    if not text:
        raise ValueError("must not contain an empty name")
    if text == "*":
        raise ValueError("has no wildcards; write each name")
    if ";" in text:
        raise ValueError(f'"{text}" is not a name; separate names with commas')


def _check_metadata_key(text: str) -> None:
    _check_name(text)
    if len(text) > KEY_MAX_LENGTH:
        raise ValueError(f"a key must have at most {KEY_MAX_LENGTH} characters")
    if "\x00" in text:
        raise ValueError("a key must not contain U+0000")


def _number_problems(settings: SettingValues) -> Iterator[Problem]:
    for name, least, most in (
        ("port", 0, MAX_PORT),
        ("internal_port", 0, MAX_PORT),
        ("workers", 1, WORKERS_MAX),
        ("max_payload", MIN_PAYLOAD, MAX_PAYLOAD),
        ("max_file_size", 1, MAX_FILE_SIZE),
        ("user_storage", 0, MAX_USER_STORAGE),
        ("contacts_max", 2, 10_000),
        ("connections_per_address", 0, MAX_CAP),
        ("idle_connections_per_address", 0, MAX_CAP),
        ("sessions_per_address", 0, MAX_CAP),
        ("sockets_per_user", 0, MAX_CAP),
        ("open_streams", 0, OPEN_STREAMS_MAX),
        ("open_agent_streams", 0, OPEN_STREAMS_MAX),
        ("max_turn_tries", 1, 100),
        ("turn_alert_s", 10, 7 * 24 * 3600),
        ("max_agent_depth", 1, 1000),
        ("agent_messages_per_hour", 1, 1_000_000),
    ):
        if not least <= getattr(settings, name) <= most:
            yield Problem(name, f"must be from {least} to {most}")


def _duration_problems(settings: SettingValues) -> Iterator[Problem]:
    for name, seconds, least, most in (
        ("presence_grace_s", settings.presence_grace_s, 0, 3600),
        ("drain_s", settings.drain_window_s, 0, 3600),
        ("recovery_window_s", settings.recovery_window_s, 0, 86_400),
        ("lease_s", settings.lease_s, 1, 300),
        ("jwt_leeway_s", settings.jwt_leeway_s, 0, 300),
    ):
        if not least <= seconds <= most:
            yield Problem(name, f"must be from {least} to {most} seconds")
    if settings.stall_exit_s != 0 and not 5 <= settings.stall_exit_s <= 3600:
        yield Problem("stall_exit_s", "must be 0, or from 5 to 3600 seconds")
    for name in (
        *("ping_interval_s", "ping_timeout_s", "call_ring_s"),
        *("head_timeout_s", "body_timeout_s", "read_timeout_s", "keep_alive_s"),
    ):
        if not 0 < getattr(settings, name) <= 3600:
            yield Problem(name, "must be more than 0 and at most 3600 seconds")
    for name in ("access_token_ttl", "refresh_token_ttl", "upload_ttl"):
        if not timedelta(seconds=1) <= getattr(settings, name) <= timedelta(days=3660):
            yield Problem(name, "must be from one second to ten years")
    if settings.retention is not None and not timedelta(minutes=1) <= settings.retention <= timedelta(days=36600):
        yield Problem("retention", "must be from one minute to a hundred years")


def _refusal(check: Callable[[str], object], text: str) -> str | None:
    try:
        check(text)
    except ValueError as error:
        return str(error)
    return None
