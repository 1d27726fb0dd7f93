"""The settings themselves. The flags, the names of the variables and their documentation are made from this class."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from talkwire.core.domain.access_policy import Accounts, Creators, Deleters, Directory
from talkwire.settings.addresses import is_postgresql, sqlite_path

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]
RecoveryMode = Literal["ask", "always", "never"]

DRAIN_S = 5.0
"""How long a node among others drains: less than what container platforms wait before they kill (10 to 30 s), with the
time in which what is under way is answered."""

DATABASE_FILE = "talkwire.db"
LOCK_FILE = "lock"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of a setting beside its type. `variables` are other names for it, read after `TALKWIRE_…`."""

    help: str
    variables: tuple[str, ...] = ()
    metavar: str | None = None


class FolderSetting:
    """A field that takes a text or a path and always gives a path."""

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
    """Everything that can be set, as plain data that nobody has validated yet."""

    host: Annotated[str, Setting("Address to listen on.", metavar="ADDRESS")] = "127.0.0.1"

    port: Annotated[int, Setting("Port to listen on; 0 takes any that is free.", variables=("PORT",))] = 3000

    workers: Annotated[
        int,
        Setting(
            "How many nodes `talkwire serve` runs on this machine, all on the one port. More than one need PostgreSQL. "
            "docs/workers.md says more."
        ),
    ] = 1

    internal_host: Annotated[
        str | None,
        Setting(
            "Address at which other nodes reach this one, on PostgreSQL. Without it, the loopback where `host` is one, "
            "else this machine's address on the way to the database. docs/nodes.md says more.",
            metavar="ADDRESS",
        ),
    ] = None

    internal_port: Annotated[
        int, Setting("Port for that; 0 takes any that is free. Each further worker takes the next one.")
    ] = 0

    lease_s: Annotated[
        float, Setting("Seconds for which other nodes take one that says nothing to be alive, on PostgreSQL.")
    ] = 15.0

    drain_s: Annotated[
        float | None,
        Setting(
            "Seconds over which a server that is told to stop sends its clients to others before it does. Without it, "
            "5 on PostgreSQL and 0 on SQLite, where there are no others. docs/upgrading.md says more.",
            metavar="SECONDS",
        ),
    ] = None

    data: DataFolder = DATA_FOLDER

    database: Annotated[
        str | None,
        Setting(
            "Database: postgresql://… or sqlite:///path. Without it, talkwire.db in the data folder.",
            variables=("DATABASE_URL",),
            metavar="URL",
        ),
    ] = field(default=None, repr=False)

    redis: Annotated[
        str | None,
        Setting(
            "Redis or Valkey, over which several nodes tell each other what is new and share their limits: redis://…, "
            "rediss://… or unix://….",
            variables=("REDIS_URL",),
            metavar="URL",
        ),
    ] = field(default=None, repr=False)

    files: Annotated[
        str | None,
        Setting(
            "Where uploaded files are kept: a folder, or s3://bucket/prefix with the usual AWS_… variables. "
            "Without it, a folder in the data folder. docs/files.md says more.",
            metavar="PLACE",
        ),
    ] = None

    max_file_size: Annotated[int, Setting("Largest file that may be uploaded, in bytes.")] = 100 * 1024 * 1024

    user_storage: Annotated[
        int,
        Setting("How many bytes a user's files may have together, unfinished uploads included. 10 GiB by default."),
    ] = 10 * 1024**3

    upload_ttl: Annotated[
        timedelta, Setting("How long an upload may take before it is given up, such as 24h.", metavar="DURATION")
    ] = timedelta(days=1)

    dialect: Annotated[str, Setting("Which vocabulary clients of the root namespace speak.", metavar="NAME")] = (
        "messenger"
    )

    dialects: Annotated[
        tuple[str, ...],
        Setting(
            "Vocabularies that are served, comma-separated: namespaces and routes. Without it, all. The root "
            "namespace's is served in any case.",
            metavar="NAMES",
        ),
    ] = ()

    serve_client: Annotated[
        bool, Setting("Serve the official Socket.IO client to pages, at /socket.io/socket.io.js.")
    ] = True

    prefix: Annotated[
        str,
        Setting(
            "Path below which REST, health, metrics and docs are found, such as /chat, for a server beside an "
            "application with paths like these. Socket.IO stays where its clients look for it.",
            metavar="PATH",
        ),
    ] = ""

    demo: Annotated[bool, Setting("Prepare users and conversations to try things with. Implies insecure_dev_auth.")] = (
        False
    )

    insecure_dev_auth: Annotated[
        bool, Setting("Believe any user id without a token, for development. Only on a loopback address.")
    ] = False

    jwt_secret: Annotated[
        str | None,
        Setting(
            "Secret of HS256 tokens, at least 32 bytes. Without it, SQLite servers make one in the data folder.",
            variables=("JWT_SECRET",),
            metavar="SECRET",
        ),
    ] = field(default=None, repr=False)

    allow_weak_secret: Annotated[
        bool, Setting("Accept a jwt_secret shorter than 32 bytes, which can be guessed. Not for production.")
    ] = False

    jwt_public_key: Annotated[
        str | None,
        Setting("Public key of RS256, ES256 or EdDSA tokens: PEM text, or the path of a PEM file.", metavar="PEM"),
    ] = None

    jwt_jwks_url: Annotated[
        str | None, Setting("Address of the public keys of an identity provider (JWKS).", metavar="URL")
    ] = None

    jwt_issuer: Annotated[
        str | None, Setting("What claim `iss` of an application's tokens must be.", metavar="TEXT")
    ] = None

    jwt_audience: Annotated[
        str | None, Setting("What claim `aud` of an application's tokens must contain.", metavar="TEXT")
    ] = None

    jwt_require_exp: Annotated[bool, Setting("Refuse tokens that never expire.")] = True

    role_claim: Annotated[
        str, Setting("Claim of an application's tokens that says `service` or `admin`.", metavar="CLAIM")
    ] = "role"

    service_roles: Annotated[
        frozenset[str],
        Setting("Values of that claim that mean the application's backend, comma-separated.", metavar="VALUES"),
    ] = frozenset({"service"})

    admin_roles: Annotated[
        frozenset[str], Setting("Values of that claim that mean a moderator, comma-separated.", metavar="VALUES")
    ] = frozenset({"admin"})

    jwt_leeway_s: Annotated[
        float,
        Setting("Seconds by which clocks may differ: tolerance for `exp`, `nbf` and `iat` when a token is presented."),
    ] = 10.0

    keep_claims: Annotated[
        tuple[str, ...],
        Setting(
            "Claims of an application's tokens that hooks and custom events can read, comma-separated, besides `role`, "
            "`type`, `department` and `permissions`.",
            metavar="CLAIMS",
        ),
    ] = ()

    accounts: Annotated[
        Accounts | None,
        Setting(
            "Who may register with e-mail and password: `open` anybody, `invite` with an invitation, `off` nobody. "
            "Without it, `off` where a key for tokens is set (jwt_secret, jwt_public_key, jwt_jwks_url), else `open` "
            "on a loopback address and `invite` on any other and under another ASGI server; with `demo`, `open`."
        ),
    ] = None

    directory: Annotated[
        Directory | None,
        Setting(
            "Which users a search for users finds: `everyone`, `contacts` (people who share a conversation) or `off`. "
            "Without it, `contacts` where a key for tokens is set, else `everyone`."
        ),
    ] = None

    create_direct: Annotated[
        Creators, Setting("Who creates direct conversations: `everyone`, or `service` (the back end and admins).")
    ] = "everyone"

    create_group: Annotated[Creators, Setting("Who creates groups: `everyone` or `service`.")] = "everyone"

    create_channel: Annotated[
        Creators | None,
        Setting(
            "Who creates channels: `everyone` or `service`. Without it, `service` where a key for tokens is set, else "
            "`everyone`."
        ),
    ] = None

    delete_conversation: Annotated[
        Deleters, Setting("Who deletes a conversation: its `owner`, or only the `service` (the back end and admins).")
    ] = "owner"

    default_conversations: Annotated[
        tuple[str, ...],
        Setting("Conversations that every new user joins, comma-separated ids.", metavar="IDS"),
    ] = ()

    create_users: Annotated[bool, Setting("Create the user of a valid token on first sight; else refuse.")] = True

    origins: Annotated[
        tuple[str, ...],
        Setting(
            "Origins whose web pages may connect besides the server's own, comma-separated; `*` lets all in. Both "
            "variables together count. Without any, pages of this machine may connect while it is reached through "
            "loopback.",
            variables=("FRONTEND_URL",),
            metavar="ORIGINS",
        ),
    ] = ()

    public_url: Annotated[
        str | None,
        Setting(
            "Address at which people reach this server, such as https://chat.example.com, for links that it makes. "
            "Without it, the address that a request came to.",
            metavar="URL",
        ),
    ] = None

    trusted_proxies: Annotated[
        tuple[str, ...],
        Setting("Addresses or networks whose forwarding headers are believed, comma-separated.", metavar="NETWORKS"),
    ] = ()

    rate_limits: Annotated[
        bool, Setting("Limit how often users and addresses may do things; `off` is for benchmarks.")
    ] = True

    rates: Annotated[
        tuple[str, ...],
        Setting(
            "Limits other than the usual ones, comma-separated: `sends=20/60` is 20 messages a second and 60 at once. "
            "docs/limits.md has them all.",
            metavar="RATES",
        ),
    ] = ()

    connections_per_address: Annotated[
        int,
        Setting(
            "HTTP connections that an address may have open at once; 0: any number. This and the next three are off "
            "with rate_limits. docs/limits.md says more."
        ),
    ] = 5000

    idle_connections_per_address: Annotated[
        int, Setting("Those among them that wait for a request; beyond this the oldest is closed. 0: any number.")
    ] = 1000

    sessions_per_address: Annotated[
        int, Setting("Socket.IO sessions that an address may have open at once on this node; 0: any number.")
    ] = 10_000

    sockets_per_user: Annotated[
        int, Setting("Sockets that a user may have open at once on this node; 0: any number.")
    ] = 500

    head_timeout_s: Annotated[
        float, Setting("Seconds until the first byte of a connection, and from there to the end of a request's head.")
    ] = 20.0

    body_timeout_s: Annotated[
        float,
        Setting("Seconds for a request's body, and one more for each KiB that has come. Uploads may take longer."),
    ] = 30.0

    read_timeout_s: Annotated[float, Setting("Seconds that a client may read nothing of what it was answered.")] = 30.0

    keep_alive_s: Annotated[float, Setting("Seconds that a connection is kept after an answer.")] = 5.0

    access_token_ttl: Annotated[
        timedelta, Setting("How long a token of an own account is good, such as 15m or 1h.", metavar="DURATION")
    ] = timedelta(hours=1)

    refresh_token_ttl: Annotated[
        timedelta,
        Setting("How long a device stays signed in without being used, such as 30d.", metavar="DURATION"),
    ] = timedelta(days=30)

    contacts_max: Annotated[
        int,
        Setting("Largest group whose members are told of each other's presence without asking, and may call."),
    ] = 100

    presence_grace_s: Annotated[
        float, Setting("Seconds that a user may be without a connection before others see them offline.")
    ] = 10.0

    call_ring_s: Annotated[float, Setting("Seconds that a call rings before it counts as missed.")] = 45.0

    ice_servers: Annotated[
        tuple[str, ...],
        Setting(
            "STUN and TURN servers for calls, comma-separated: stun:host:port, "
            "turn:user:password@host:port?transport=udp. docs/presence-and-calls.md says more.",
            metavar="SERVERS",
        ),
    ] = field(default=(), repr=False)

    retention: Annotated[
        timedelta | None,
        Setting(
            "How long messages are kept, such as 90d; without it, for ever. docs/search.md says what is left of them.",
            metavar="DURATION",
        ),
    ] = None

    recovery: Annotated[
        RecoveryMode,
        Setting("Which sockets can go on after a disconnect: those that `ask` for it, `always` all, or `never` any."),
    ] = "ask"

    recovery_window_s: Annotated[float, Setting("Seconds within which such a socket must come back.")] = 120.0

    ping_interval_s: Annotated[float, Setting("Seconds between two heartbeats of a session.")] = 25.0

    ping_timeout_s: Annotated[float, Setting("Seconds that a client may take to answer a heartbeat.")] = 20.0

    max_payload: Annotated[int, Setting("Longest packet that a client may send, in bytes.")] = 1_000_000

    log_level: Annotated[LogLevel, Setting("From which level on things are logged.")] = "info"

    log_format: Annotated[LogFormat, Setting("`auto` is readable on a terminal and JSON elsewhere.")] = "auto"

    @property
    def has_token_keys(self) -> bool:
        """Whether the operator set a key for tokens: the application then signs its own users' tokens."""
        return any((self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url))

    @property
    def on_postgresql(self) -> bool:
        return self.database is not None and is_postgresql(self.database)

    @property
    def drain_window_s(self) -> float:
        """`drain_s`, or what it is where nobody has set it."""
        if self.drain_s is None:
            return DRAIN_S if self.on_postgresql else 0.0
        return self.drain_s

    @property
    def sqlite_file(self) -> Path | None:
        """Where the SQLite database is; None on PostgreSQL."""
        if self.database is None:
            return self.data / DATABASE_FILE
        return None if self.on_postgresql else sqlite_path(self.database)

    @property
    def lock_file(self) -> Path | None:
        """Returns the lock of a SQLite database. It is the same whatever names the file: a symbolic link, a relative
        path, or the data folder. Beside `talkwire.db` it is `lock`, beside other files `NAME-lock`."""
        file = self.sqlite_file
        if file is None:
            return None
        real = file.resolve()
        folder = file.parent if file.parent.resolve() == real.parent else real.parent
        return folder / (LOCK_FILE if real.name == DATABASE_FILE else f"{real.name}-{LOCK_FILE}")

    @property
    def folder_lock_file(self) -> Path | None:
        """Returns the lock of the data folder, where a server's SQLite database is not the one that belongs to it."""
        lock, of_folder = self.lock_file, self.data / LOCK_FILE
        return None if lock is None or lock.resolve() == of_folder.resolve() else of_folder
