"""Defines every setting with its type, default and description. Flags, variables and documentation are generated from
it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from talkwire.core.domain.access_policy import (
    DEFAULT_POLICY,
    Accounts,
    Creators,
    Deleters,
    Directory,
    Streamers,
    WebSignIn,
)
from talkwire.core.domain.ice_servers import parse_ice_server
from talkwire.dialects.names import DialectName
from talkwire.egress import check_signing_secret
from talkwire.identity.page_origins import canonical_origin
from talkwire.push.vapid import parse_private_key
from talkwire.settings import checks
from talkwire.settings.addresses import embed_origin, is_postgresql, sqlite_path
from talkwire.storage.conninfo import PORT_MAX

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]
RecoveryMode = Literal["ask", "always", "never"]
CallbackFailure = Literal["refuse", "allow"]
PushContentLevel = Literal["full", "sender", "none"]

Names = tuple[str, ...] | str
"""Name, or several names. Settings from flags, variables and files are tuples; Python code may pass a single text."""

NODE_DRAIN_S = 5.0
"""Seconds that a node drains if there are other nodes: together with finishing running requests, less than the 10 to 30
s after which container platforms kill a process.
"""

CALLBACK_TIMEOUT_MAX_S = 20.0
"""Largest `callback_timeout_s`, in seconds. It is below the limit of hooks (`HOOK_MAX_S`), so that
`callback_on_failure` decides."""

_WORDS = re.compile(r"[\s,;]+")
_LINES = re.compile(r"[,;\n]+")
_BEFORE_SERVERS = re.compile(r"[\s,;]+(?=(?:stuns?|turns?):)")

DATABASE_FILE = "talkwire.db"
LOCK_FILE = "lock"


@dataclass(frozen=True, slots=True)
class Setting:
    """The description of a setting, as `--help` and the documentation show it.

    `variables` are further environment variables, read after `TALKWIRE_…`. `metavar` is the value's name in `--help`.
    `check` raises ValueError for an invalid value, or for an invalid item of a list; it is not called with None.
    `separators` separate the items of a list in one text, beside commas and line breaks; with None, an item may have
    any other character.
    """

    help: str
    variables: tuple[str, ...] = ()
    metavar: str | None = None
    check: Callable[[Any], object] | None = None
    separators: re.Pattern[str] | None = None


def as_names(value: Names | None) -> tuple[str, ...]:
    """Returns the names in a setting's value; none for None."""
    return (value,) if isinstance(value, str) else tuple(value or ())


class FolderSetting:
    """A descriptor for a setting that accepts a text or a `Path`, and always returns a `Path`."""

    def __init__(self, default: str) -> None:
        self._default = Path(default)
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, instance: object | None, owner: type) -> Path:
        if instance is None:
            return self._default
        path: Path = instance.__dict__[self._name]
        return path

    def __set__(self, instance: object, value: str | Path) -> None:
        instance.__dict__[self._name] = Path(value)


DATA_FOLDER = FolderSetting("./talkwire-data")

DataFolder = Annotated[
    FolderSetting,
    Setting("Folder for the SQLite database, uploaded files and the generated secret.", metavar="DIR"),
]


@dataclass(frozen=True, kw_only=True)
class SettingValues:
    """All settings of a server, not validated. `Settings` validates them."""

    host: Annotated[str, Setting("Address to listen on.", metavar="ADDRESS", check=checks.filled)] = "127.0.0.1"

    port: Annotated[
        int,
        Setting(
            "Port to listen on; 0 picks a free port.",
            variables=("PORT",),
            check=checks.between(0, PORT_MAX),
        ),
    ] = 3000

    workers: Annotated[
        int,
        Setting(
            "Nodes that `talkwire serve` runs on this machine, all on one port. More than one requires PostgreSQL. "
            "See docs/workers.md.",
            check=checks.between(1, 256),
        ),
    ] = 1

    internal_host: Annotated[
        str | None,
        Setting(
            "Address at which other nodes reach this one, on PostgreSQL. Default: loopback if `host` is loopback, else "
            "this machine's address on the route to the database. See docs/nodes.md.",
            metavar="ADDRESS",
            check=checks.filled,
        ),
    ] = None

    internal_port: Annotated[
        int,
        Setting(
            "Port for other nodes; 0 picks a free port. Each further worker uses the next port.",
            check=checks.between(0, PORT_MAX),
        ),
    ] = 0

    lease_s: Annotated[
        float,
        Setting(
            "Seconds after which other nodes consider a silent node dead, on PostgreSQL.",
            check=checks.between(1, 300, "seconds"),
        ),
    ] = 15.0

    drain_s: Annotated[
        float | None,
        Setting(
            "Seconds over which a stopping server sends its clients to other nodes before it stops. Default: "
            "5 on PostgreSQL and 0 on SQLite, where there are no other nodes. See docs/upgrading.md.",
            metavar="SECONDS",
            check=checks.between(0, 3600, "seconds"),
        ),
    ] = None

    stall_exit_s: Annotated[
        float,
        Setting(
            "Seconds that the event loop of `talkwire serve` may stand still before the process ends, so that its "
            "supervisor starts another one; 0 never ends it. See docs/logs.md.",
            metavar="SECONDS",
            check=checks.stall_exit,
        ),
    ] = 60.0

    data: DataFolder = DATA_FOLDER

    database: Annotated[
        str | None,
        Setting(
            "Database: postgresql://… or sqlite:///path. Default: talkwire.db in the data folder.",
            variables=("DATABASE_URL",),
            metavar="URL",
            check=checks.database_url,
        ),
    ] = field(default=None, repr=False)

    redis: Annotated[
        str | None,
        Setting(
            "Redis or Valkey, through which nodes exchange events and share rate limits: redis://…, "
            "rediss://… or unix://….",
            variables=("REDIS_URL",),
            metavar="URL",
            check=checks.redis_url,
        ),
    ] = field(default=None, repr=False)

    files: Annotated[
        str | None,
        Setting(
            "Where uploaded files are stored: a folder, or s3://bucket/prefix with the usual AWS_… variables. "
            "Default: a folder in the data folder. See docs/files.md.",
            metavar="PLACE",
            check=checks.files_place,
        ),
    ] = None

    max_file_size: Annotated[
        int, Setting("Largest file that may be uploaded, in bytes.", check=checks.between(1, 10**12))
    ] = 100 * 1024 * 1024

    user_storage: Annotated[
        int,
        Setting(
            "Total bytes of a user's files, unfinished uploads included. Default: 10 GiB.",
            check=checks.between(0, 10**15),
        ),
    ] = 10 * 1024**3

    upload_ttl: Annotated[
        timedelta,
        Setting(
            "How long an upload may take before it expires, such as 24h.", metavar="DURATION", check=checks.lifetime
        ),
    ] = timedelta(days=1)

    dialect: Annotated[DialectName, Setting("Dialect that clients of the root namespace speak.", metavar="NAME")] = (
        "messenger"
    )

    dialects: Annotated[
        tuple[DialectName, ...],
        Setting(
            "Dialects that are served, comma-separated: namespaces and routes. Default: all. The root "
            "namespace's dialect is always served.",
            metavar="NAMES",
            separators=_WORDS,
        ),
    ] = ()

    serve_client: Annotated[
        bool, Setting("Serve the official Socket.IO client for web pages, at /socket.io/socket.io.js.")
    ] = True

    prefix: Annotated[
        str,
        Setting(
            "Path below which REST, the web client, health, metrics and docs are served, such as /chat, if an "
            "application on the same host uses such paths. Socket.IO keeps its path, and is served below this one too.",
            metavar="PATH",
            check=checks.prefix,
        ),
    ] = ""

    demo: Annotated[
        bool, Setting("Create users and conversations to try the server with. Implies insecure_dev_auth.")
    ] = False

    insecure_dev_auth: Annotated[
        bool, Setting("Accept any user id without a token, for development. Only on a loopback address.")
    ] = False

    jwt_secret: Annotated[
        str | None,
        Setting(
            "Secret of HS256 tokens, at least 32 bytes. Default: on SQLite, a new one in the data folder.",
            variables=("JWT_SECRET",),
            metavar="SECRET",
            check=checks.filled,
        ),
    ] = field(default=None, repr=False)

    allow_weak_secret: Annotated[
        bool, Setting("Accept a jwt_secret shorter than 32 bytes, which can be guessed. Not for production.")
    ] = False

    jwt_public_key: Annotated[
        str | None,
        Setting(
            "Public key of tokens that are signed with RS256, ES256, EdDSA or another asymmetric algorithm: PEM, a "
            "certificate or their base64, or the path of a file that has one.",
            metavar="PEM",
            check=checks.filled,
        ),
    ] = None

    jwt_jwks_url: Annotated[
        str | None,
        Setting(
            "Address of the public keys of an identity provider (JWKS).", metavar="URL", check=checks.requested_url
        ),
    ] = None

    jwt_issuer: Annotated[
        Names | None,
        Setting(
            "Required claim `iss` of an application's tokens: one of these, comma-separated.",
            metavar="ISSUERS",
            check=checks.name,
        ),
    ] = None

    jwt_audience: Annotated[
        Names | None,
        Setting(
            "Required value in claim `aud` of an application's tokens: one of these, comma-separated.",
            metavar="AUDIENCES",
            check=checks.name,
        ),
    ] = None

    jwt_require_exp: Annotated[bool, Setting("Refuse tokens that never expire.")] = True

    user_id_claim: Annotated[
        str | None,
        Setting(
            "Claim of an application's tokens that holds the user's id, such as `oid`: its name, or the path to it. "
            "Default: `sub`, else `userId`, else `id`, else `_id`. See docs/authentication.md.",
            metavar="CLAIM",
            check=checks.filled,
        ),
    ] = None

    role_claim: Annotated[
        str,
        Setting(
            "Claim of an application's tokens that holds the role, `service` or `admin`: its name, or the path to it, "
            "such as `realm_access.roles`.",
            metavar="CLAIM",
            check=checks.filled,
        ),
    ] = "role"

    service_roles: Annotated[
        frozenset[str],
        Setting(
            "Values of role_claim that mean the application's backend, comma-separated.",
            metavar="VALUES",
            check=checks.name,
        ),
    ] = frozenset({"service"})

    admin_roles: Annotated[
        frozenset[str],
        Setting("Values of role_claim that mean a moderator, comma-separated.", metavar="VALUES", check=checks.name),
    ] = frozenset({"admin"})

    jwt_leeway_s: Annotated[
        float,
        Setting(
            "Seconds by which clocks may differ: tolerance for a token's `exp`, `nbf` and `iat`.",
            check=checks.between(0, 300, "seconds"),
        ),
    ] = 10.0

    keep_claims: Annotated[
        tuple[str, ...],
        Setting(
            "Claims of an application's tokens that hooks and custom events can read, comma-separated, besides `role`, "
            "`type`, `department` and `permissions`: names, or paths as in `role_claim`.",
            metavar="CLAIMS",
            check=checks.name,
        ),
    ] = ()

    accounts: Annotated[
        Accounts | None,
        Setting(
            "Who may register with e-mail and password: `open` anyone, `invite` with an invitation, `off` no one. "
            "Default: `off` if a key for tokens is set (jwt_secret, jwt_public_key, jwt_jwks_url), else `open` "
            "on a loopback address and `invite` on any other and under another ASGI server; with `demo`, `open`."
        ),
    ] = None

    oidc_issuer: Annotated[
        str | None,
        Setting(
            "OpenID provider that people sign in with: its issuer, such as https://login.example.com/realms/team. "
            "See docs/openid-connect.md.",
            metavar="URL",
            check=checks.issuer,
        ),
    ] = None

    oidc_client_id: Annotated[
        str | None,
        Setting("Id under which the OpenID provider knows this server.", metavar="TEXT", check=checks.filled),
    ] = None

    oidc_client_secret: Annotated[
        str | None,
        Setting(
            "Secret that the OpenID provider has issued to this server. Default: none, for a public client.",
            metavar="SECRET",
            check=checks.filled,
        ),
    ] = field(default=None, repr=False)

    oidc_name: Annotated[
        str | None,
        Setting(
            "Name of the OpenID provider on the sign-in page. Default: the host of `oidc_issuer`.",
            metavar="TEXT",
            check=checks.filled,
        ),
    ] = None

    oidc_link_by_email: Annotated[
        bool,
        Setting(
            "At the first sign-in through the OpenID provider, take the user who has the same e-mail address and no "
            "way to sign in, if the provider has verified the address. See docs/openid-connect.md."
        ),
    ] = False

    directory: Annotated[
        Directory | None,
        Setting(
            "Users that a search finds: `everyone`, `contacts` (users who share a conversation) or `off`. "
            "Default: `contacts` if a key for tokens is set, else `everyone`."
        ),
    ] = None

    create_direct: Annotated[
        Creators, Setting("Who may create direct conversations: `everyone`, or `service` (the backend and admins).")
    ] = "everyone"

    create_group: Annotated[Creators, Setting("Who may create groups: `everyone` or `service`.")] = "everyone"

    create_channel: Annotated[
        Creators | None,
        Setting(
            "Who may create channels: `everyone` or `service`. Default: `service` if a key for tokens is set, else "
            "`everyone`."
        ),
    ] = None

    delete_conversation: Annotated[
        Deleters, Setting("Who may delete a conversation: its `owner`, or only the `service` (the backend and admins).")
    ] = "owner"

    streams: Annotated[
        Streamers,
        Setting(
            "Who may write reasoning, tools, plans and data as parts of a message: `agents` (agents and the backend), "
            "`everyone`, or `off` (nobody)."
        ),
    ] = "agents"

    open_streams: Annotated[
        int,
        Setting(
            "How many messages a person may write at once while others read them (streams).",
            check=checks.between(0, 10_000),
        ),
    ] = DEFAULT_POLICY.open_streams

    open_agent_streams: Annotated[int, Setting("The same for an agent.", check=checks.between(0, 10_000))] = (
        DEFAULT_POLICY.open_agent_streams
    )

    max_turn_tries: Annotated[
        int,
        Setting(
            "How often an agent's attempt to answer may fail, or be broken off, until its turn is given up.",
            check=checks.between(1, 100),
        ),
    ] = DEFAULT_POLICY.max_turn_tries

    turn_alert_s: Annotated[
        int,
        Setting(
            "After how many seconds a turn of an agent is reported that has not ended (`turn:unanswered`).",
            check=checks.between(10, 7 * 24 * 3600),
        ),
    ] = DEFAULT_POLICY.turn_alert_s

    max_agent_depth: Annotated[
        int,
        Setting(
            "How many messages of agents may answer each other without a person in between.",
            check=checks.between(1, 1000),
        ),
    ] = DEFAULT_POLICY.max_agent_depth

    agent_messages_per_hour: Annotated[
        int,
        Setting(
            "How many messages an agent may send in one conversation within an hour.",
            check=checks.between(1, 1_000_000),
        ),
    ] = DEFAULT_POLICY.agent_messages_per_hour

    default_conversations: Annotated[
        tuple[str, ...],
        Setting(
            "Conversations that every new user joins, comma-separated ids.",
            metavar="IDS",
            check=checks.conversation_id,
            separators=_WORDS,
        ),
    ] = ()

    conversation_keys: Annotated[
        tuple[str, ...],
        Setting(
            "Keys of conversations' `metadata` by which lists of conversations can be filtered, at most 10, "
            "comma-separated. See docs/messenger.md.",
            metavar="KEYS",
            check=checks.metadata_key,
        ),
    ] = ()

    create_users: Annotated[
        bool, Setting("Create a user when their first valid token arrives; `off` refuses unknown users.")
    ] = True

    origins: Annotated[
        tuple[str, ...],
        Setting(
            "Origins whose web pages may connect besides the server's own, comma-separated; `https://*.example.com` "
            "allows all subdomains, `http://localhost:*` all ports, and `*` every page. Both variables are combined. "
            "Default: pages of this machine may connect if they reach the server through loopback. See "
            "docs/deployment/README.md.",
            variables=("FRONTEND_URL",),
            metavar="ORIGINS",
            check=canonical_origin,
            separators=_WORDS,
        ),
    ] = ()

    web_sign_in: Annotated[
        WebSignIn | None,
        Setting(
            "How people sign in to the web client: with an `account`, with a `token` of the application, or `both`. "
            "Default: `token` if there are no accounts, else `account`. See docs/embedding-the-web-client.md."
        ),
    ] = None

    embed_origins: Annotated[
        tuple[str, ...],
        Setting(
            "Origins whose web pages may show the web client in a frame, comma-separated; `self` is the server's own. "
            "Default: none. See docs/embedding-the-web-client.md.",
            metavar="ORIGINS",
            check=embed_origin,
            separators=_WORDS,
        ),
    ] = ()

    web_name: Annotated[
        str,
        Setting(
            "Name of the web client: at its entrance, above the conversations and as the page's title.",
            metavar="NAME",
            check=checks.filled,
        ),
    ] = "Talkwire"

    web_description: Annotated[
        str | None,
        Setting(
            "Sentence below the name at the web client's entrance. Default: one about Talkwire, in the reader's "
            "language.",
            metavar="TEXT",
            check=checks.filled,
        ),
    ] = None

    web_logo: Annotated[
        str | None,
        Setting(
            "Image file with the web client's logo, which is its icon too: a square SVG, PNG, WebP or JPEG of at most "
            "1 MB. Default: Talkwire's own.",
            metavar="FILE",
            check=checks.logo,
        ),
    ] = None

    public_url: Annotated[
        str | None,
        Setting(
            "Public address of this server, such as https://chat.example.com, for links that it creates, with the "
            "`prefix` if there is one. Default: the address of the request.",
            metavar="URL",
            check=checks.public_url,
        ),
    ] = None

    push_content: Annotated[
        PushContentLevel,
        Setting(
            "What pushes to browsers and phones say: `full`: who and what; `sender`: who; `none`: that there is "
            "something. See docs/push.md."
        ),
    ] = "full"

    vapid_private_key: Annotated[
        str | None,
        Setting(
            "Private key by which push services of browsers know this server: 32 bytes in base64url, or PEM. Default: "
            "one is created and kept in the database.",
            metavar="KEY",
            check=parse_private_key,
        ),
    ] = field(default=None, repr=False)

    vapid_subject: Annotated[
        str | None,
        Setting(
            "Contact for push services of browsers: mailto:… or https://…. Apple requires one. Default: `public_url`, "
            "if it begins with https://.",
            metavar="URL",
            check=checks.vapid_subject,
        ),
    ] = None

    trusted_proxies: Annotated[
        tuple[str, ...],
        Setting(
            "Addresses or networks of proxies whose forwarding headers are trusted, comma-separated.",
            metavar="NETWORKS",
            check=checks.network,
            separators=_WORDS,
        ),
    ] = ()

    webhook_allow: Annotated[
        tuple[str, ...],
        Setting(
            "Networks that are not public, but that webhooks and callbacks may reach, also over http:, "
            "comma-separated, such as 10.0.0.0/8. See docs/egress.md.",
            metavar="NETWORKS",
            check=checks.network,
            separators=_WORDS,
        ),
    ] = ()

    push_allow: Annotated[
        tuple[str, ...],
        Setting(
            "Networks that are not public, but that push services of users may be in, also over http:, "
            "comma-separated. Any user can then send requests to them. See docs/egress.md.",
            metavar="NETWORKS",
            check=checks.network,
            separators=_WORDS,
        ),
    ] = ()

    offers: Annotated[
        bool,
        Setting(
            "Show offers in the web client; `demo` shows them too. The API has them in any case. See docs/offers.md."
        ),
    ] = False

    offer_currency: Annotated[
        str,
        Setting(
            "The currency of a conversation's first offer in the web client, as an ISO 4217 code.",
            metavar="CURRENCY",
            check=checks.currency,
        ),
    ] = "EUR"

    link_previews: Annotated[
        bool,
        Setting(
            "Fetch the titles and pictures of pages that messages link to, from public https: addresses. The sites see "
            "this server's address then. See docs/link-previews.md."
        ),
    ] = False

    link_preview_allow: Annotated[
        tuple[str, ...],
        Setting(
            "Networks that are not public, but that may be reached for link previews, over http: too, comma-separated. "
            "Every user can make the server send GET requests there.",
            metavar="NETWORKS",
            check=checks.network,
            separators=_WORDS,
        ),
    ] = ()

    callbacks: Annotated[
        tuple[str, ...],
        Setting(
            "URLs that the server asks before it executes a command, comma-separated: "
            "`message:send=https://app.example.com/before-send`. `connect=…` is asked about tokens that the server "
            "cannot verify. In the file, [callbacks] is a table. See docs/callbacks.md.",
            metavar="NAME=URL",
        ),
    ] = ()

    callback_timeout_s: Annotated[
        float,
        Setting(
            "Seconds that a callback has to respond. In the file, `timeout_s` in [callbacks].",
            check=checks.at_most(CALLBACK_TIMEOUT_MAX_S),
        ),
    ] = 2.0

    callback_on_failure: Annotated[
        CallbackFailure,
        Setting(
            "What happens to a command whose callback fails or gives no valid response: `refuse` or `allow` it. In the "
            "file, `on_failure` in [callbacks]."
        ),
    ] = "refuse"

    callback_secret: Annotated[
        str | None,
        Setting(
            "Secret that signs callbacks, `whsec_…`. In the file, `secret` in [callbacks]. Default: on SQLite, a new "
            "one in the data folder.",
            metavar="SECRET",
            check=check_signing_secret,
        ),
    ] = field(default=None, repr=False)

    rate_limits: Annotated[
        bool, Setting("Limit the rate of requests per user and address; `off` is for benchmarks.")
    ] = True

    rates: Annotated[
        tuple[str, ...],
        Setting(
            "Changed rate limits, comma-separated: `sends=20/60` is 20 messages a second and 60 at once. "
            "See docs/limits.md for all.",
            metavar="RATES",
            check=checks.rate,
            separators=_LINES,
        ),
    ] = ()

    connections_per_address: Annotated[
        int,
        Setting(
            "Open HTTP connections per address; 0: no limit. Without rate_limits, this and the next three settings "
            "have no effect. See docs/limits.md.",
            check=checks.between(0, 10_000_000),
        ),
    ] = 5000

    idle_connections_per_address: Annotated[
        int,
        Setting(
            "Idle HTTP connections per address; beyond this the oldest is closed. 0: no limit.",
            check=checks.between(0, 10_000_000),
        ),
    ] = 1000

    sessions_per_address: Annotated[
        int,
        Setting("Open Socket.IO sessions per address on this node; 0: no limit.", check=checks.between(0, 10_000_000)),
    ] = 10_000

    sockets_per_user: Annotated[
        int, Setting("Open sockets per user on this node; 0: no limit.", check=checks.between(0, 10_000_000))
    ] = 500

    head_timeout_s: Annotated[
        float,
        Setting(
            "Seconds until a connection's first byte, and from a request's first byte to the end of its head.",
            check=checks.at_most(3600),
        ),
    ] = 20.0

    body_timeout_s: Annotated[
        float,
        Setting(
            "Seconds for a request's body, plus one for each KiB received. Uploads may take longer.",
            check=checks.at_most(3600),
        ),
    ] = 30.0

    read_timeout_s: Annotated[
        float, Setting("Seconds that a client may leave a response unread.", check=checks.at_most(3600))
    ] = 30.0

    keep_alive_s: Annotated[
        float,
        Setting(
            "Seconds that an idle connection is kept after a response: longer than a proxy in front keeps it. See "
            "docs/deployment/README.md.",
            check=checks.at_most(3600),
        ),
    ] = 130.0

    access_token_ttl: Annotated[
        timedelta,
        Setting("Lifetime of an account's access token, such as 15m or 1h.", metavar="DURATION", check=checks.lifetime),
    ] = timedelta(hours=1)

    refresh_token_ttl: Annotated[
        timedelta,
        Setting("How long an unused device stays signed in, such as 30d.", metavar="DURATION", check=checks.lifetime),
    ] = timedelta(days=30)

    contacts_max: Annotated[
        int,
        Setting(
            "Largest group whose members receive each other's presence automatically, and may call.",
            check=checks.between(2, 10_000),
        ),
    ] = 100

    presence_grace_s: Annotated[
        float,
        Setting(
            "Seconds that a user may be without a connection before others see them offline.",
            check=checks.between(0, 3600, "seconds"),
        ),
    ] = 10.0

    call_ring_s: Annotated[
        float, Setting("Seconds that a call rings before it counts as missed.", check=checks.at_most(3600))
    ] = 45.0

    ice_servers: Annotated[
        tuple[str, ...],
        Setting(
            "STUN and TURN servers for calls, comma-separated: stun:host:port, "
            "turn:user:password@host:port?transport=udp. See docs/presence-and-calls.md.",
            metavar="SERVERS",
            check=parse_ice_server,
            separators=_BEFORE_SERVERS,
        ),
    ] = field(default=(), repr=False)

    retention: Annotated[
        timedelta | None,
        Setting(
            "How long messages are kept, such as 90d. Default: for ever. See docs/search.md for what remains.",
            metavar="DURATION",
            check=checks.retention,
        ),
    ] = None

    recovery: Annotated[
        RecoveryMode,
        Setting(
            "Which sockets can be recovered after a disconnect: those that `ask` for it, `always` all, `never` any."
        ),
    ] = "ask"

    recovery_window_s: Annotated[
        float,
        Setting(
            "Seconds within which a socket must reconnect to be recovered.", check=checks.between(0, 86_400, "seconds")
        ),
    ] = 120.0

    ping_interval_s: Annotated[
        float, Setting("Seconds between two heartbeats of a session.", check=checks.at_most(3600))
    ] = 25.0

    ping_timeout_s: Annotated[
        float, Setting("Seconds that a client may take to answer a heartbeat.", check=checks.at_most(3600))
    ] = 20.0

    max_payload: Annotated[
        int, Setting("Largest packet that a client may send, in bytes.", check=checks.between(1024, 100_000_000))
    ] = 1_000_000

    log_level: Annotated[LogLevel, Setting("Lowest level that is logged.")] = "info"

    log_format: Annotated[LogFormat, Setting("`auto` is readable on a terminal and JSON elsewhere.")] = "auto"

    otlp_endpoint: Annotated[
        str | None,
        Setting(
            "Where traces are sent by OTLP over HTTP, such as http://localhost:4318. See docs/traces.md.",
            metavar="URL",
            check=checks.http_url,
        ),
    ] = None

    @property
    def has_token_keys(self) -> bool:
        """True if the operator has set a key for access tokens, which means that the application signs the tokens of
        its users.
        """
        return any((self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url))

    @property
    def on_postgresql(self) -> bool:
        return self.database is not None and is_postgresql(self.database)

    @property
    def drain_window_s(self) -> float:
        """The seconds over which a stopping node sends its clients to other nodes: the setting `drain_s`, or its
        default.
        """
        if self.drain_s is None:
            return NODE_DRAIN_S if self.on_postgresql else 0.0
        return self.drain_s

    @property
    def sqlite_file(self) -> Path | None:
        """The path of the SQLite database's file; None on PostgreSQL."""
        if self.database is None:
            return self.data / DATABASE_FILE
        return None if self.on_postgresql else sqlite_path(self.database)

    @property
    def lock_file(self) -> Path | None:
        """The lock file of a SQLite database, which only one server can lock; None on PostgreSQL.

        The path is the same however the database is named: by a symbolic link, a relative path, or the data folder. The
        lock of `talkwire.db` is called `lock`, that of another file `NAME-lock`.
        """
        file = self.sqlite_file
        if file is None:
            return None
        real = file.resolve()
        folder = file.parent if file.parent.resolve() == real.parent else real.parent
        return folder / (LOCK_FILE if real.name == DATABASE_FILE else f"{real.name}-{LOCK_FILE}")

    @property
    def folder_lock_file(self) -> Path | None:
        """The lock file of the data folder if the SQLite database is another file than the folder's `talkwire.db`, so
        that the server needs a second lock for the folder's other files; else None.
        """
        lock, of_folder = self.lock_file, self.data / LOCK_FILE
        return None if lock is None or lock.resolve() == of_folder.resolve() else of_folder
