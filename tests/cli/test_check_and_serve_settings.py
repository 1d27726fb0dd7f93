"""`talkwire check` and `talkwire serve` agree about every setting that is a text, a list, a path or an address: `WORKS`
has a value of each with which the server starts, and `REFUSED` one with which it cannot, which both say in the same
words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from talkwire.settings.known import known_settings
from talkwire.settings.model import FolderSetting, Names
from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer, running_server
from tests.http_client import http_get

Command = Callable[..., CommandResult]
Talkwire = Callable[..., Answer]

PEM = (
    ed25519.Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
SHORT = "holds no secret of at least 32 characters"
ON_POSTGRESQL = "postgresql://127.0.0.1:1/chat"


class Refusal(NamedTuple):
    """A setting, its value, a part of the words with which it is refused, and what the folder has before."""

    setting: str
    value: str
    words: str
    arrange: Callable[[], None] = lambda: None
    more: tuple[str, ...] = ()

    @property
    def flags(self) -> list[str]:
        return [f"{known_settings()[self.setting].flag}={self.value}", *self.more]


def _file(path: str, content: str | bytes = "") -> Callable[[], None]:
    """Writes a file, and the folder around it."""

    def write() -> None:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_bytes(content.encode() if isinstance(content, str) else content)

    return write


def _link_to_nothing() -> None:
    Path("link").symlink_to("nothing")


WORKS = {
    "host": "127.0.0.1",
    "internal_host": "127.0.0.1",
    "data": "data",
    "database": "sqlite:///chat.db",
    "redis": "redis://:a%2Fb@127.0.0.1:6379/0?socket_timeout=3",
    "files": "new/files",
    "dialect": "talks",
    "dialects": "crm gateway",
    "prefix": "/chat",
    "jwt_secret": "0123456789abcdef0123456789abcdef",
    "jwt_public_key": "key.pem",
    "jwt_jwks_url": "https://login.example.com/keys",
    "jwt_issuer": "https://login.example.com/,app",
    "jwt_audience": "chat,other",
    "user_id_claim": "https://example.com/id",
    "role_claim": "realm_access.roles",
    "service_roles": "backend,cron",
    "admin_roles": "moderator",
    "keep_claims": "tenant,app.plan",
    "oidc_issuer": "http://127.0.0.1:1/realms/team",
    "oidc_client_id": "talkwire",
    "oidc_client_secret": "a secret",
    "oidc_name": "Our Login",
    "default_conversations": "lobby,news",
    "conversation_keys": "orderId,shop",
    "origins": "https://app.example.com,https://*.example.com",
    "embed_origins": "self https://app.example.com:8443",
    "web_name": "Grüße",
    "web_description": "The chat of the team.",
    "web_logo": "logo.svg",
    "public_url": "https://chat.example.com/chat",
    "vapid_private_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
    "vapid_subject": "mailto:operator@example.com",
    "trusted_proxies": "10.0.0.0/8,fd00::/8",
    "webhook_allow": "10.0.0.0/8",
    "push_allow": "10.0.0.0/8",
    "link_preview_allow": "10.1.2.3",
    "offer_currency": "CHF",
    "callbacks": "connect=https://8.8.8.8/,message:send=http://10.1.2.3:8080/before",
    "callback_secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "rates": "sends=20/60",
    "ice_servers": "stun:stun.example.com:3478 turn:user:password@turn.example.com?transport=udp",
    "otlp_endpoint": "http://127.0.0.1:1/v1/traces",
}
"""Settings that are texts, lists or paths -> a value with which the server starts."""

REFUSED = [
    Refusal("host", "nowhere.invalid", "cannot listen on nowhere.invalid, port 0: "),
    Refusal("host", "203.0.113.7", "cannot listen on 203.0.113.7, port 0: "),
    Refusal("host", f"{'a' * 70}.ö", "this is not the name of a host"),
    Refusal("host", " ", "must not be empty"),
    Refusal("internal_host", " ", "must not be empty"),
    Refusal("data", "missing/data", "missing: there is no such folder to create data in"),
    Refusal("data", "file", "file: is not a folder", _file("file")),
    Refusal("data", "file/data", "file: there is no such folder to create data in", _file("file")),
    Refusal("data", "link", "link: is not a folder", _link_to_nothing),
    Refusal("data", "/proc/data", "/proc/data: cannot be created: "),
    Refusal("data", "data", "data/files: is not a folder", _file("data/files")),
    Refusal("data", "data", "data/uploads: is not a folder", _file("data/uploads")),
    Refusal("data", "data", f"data/jwt-secret {SHORT}", _file("data/jwt-secret", "short")),
    Refusal("data", "./data", f"data/jwt-secret {SHORT}", _file("data/jwt-secret", b"\xff" * 40)),
    Refusal(
        "data", "data", "data/lock: cannot be opened: Is a directory", lambda: Path("data/lock").mkdir(parents=True)
    ),
    Refusal("database", "mysql://127.0.0.1/chat", "must be a URL like postgresql://user@host/name or sqlite:///path"),
    Refusal("database", "sqlite:///:memory:", "must name a file: sqlite:///path"),
    Refusal("database", "sqlite:///missing/chat.db", "missing: there is no such folder"),
    Refusal("database", "sqlite:///file/chat.db", "file: there is no such folder", _file("file")),
    Refusal("database", "sqlite:////proc/chat.db", "/proc/chat.db-lock: cannot be opened: "),
    Refusal("database", "sqlite:///data", "unable to open database file", lambda: Path("data").mkdir()),
    Refusal("database", "sqlite:///file", "file is not a database", _file("file", "no database " * 100)),
    Refusal("database", ON_POSTGRESQL, "Connection refused", more=("--jwt-secret", "s" * 32)),
    Refusal("redis", "http://127.0.0.1", "must be a URL like redis://host:6379/0"),
    Refusal("redis", "redis://127.0.0.1?foo=1", "redis://127.0.0.1: has an unknown parameter: 'foo'"),
    Refusal("files", "file", "file: is not a folder", _file("file")),
    Refusal("files", "file/files", "file: is not a folder", _file("file")),
    Refusal("files", "/proc/files", "/proc/files: cannot be created: "),
    Refusal("files", "ftp://host/files", "must be a folder or s3://bucket/prefix"),
    Refusal("files", "s3://", "must name a bucket"),
    Refusal("dialect", "klingon", "must be one of messenger, talks"),
    Refusal("dialects", "crm,klingon", "must be one of messenger, talks"),
    Refusal("prefix", "chat/", "must begin with / and not end with it"),
    Refusal("jwt_secret", "short", "jwt_secret: must have at least 32 bytes"),
    Refusal("jwt_secret", PEM, "jwt_secret: The secret is a key in PEM"),
    Refusal("jwt_public_key", "missing.pem", "jwt_public_key: missing.pem: No such file or directory"),
    Refusal("jwt_public_key", "key.pem", "jwt_public_key: The public key ", _file("key.pem", "no key")),
    Refusal("jwt_public_key", ".", "jwt_public_key: The public key is neither a key"),
    Refusal("jwt_jwks_url", "login.example.com/keys", "must be a URL like https://host/path"),
    Refusal("jwt_jwks_url", "https://u:hidden@a.example/", "must not contain a user name or a password"),
    Refusal("jwt_jwks_url", "https://a b.example/", "must not contain spaces"),
    Refusal("jwt_jwks_url", "http://169.254.169.254/keys", "169.254.169.254"),
    Refusal("jwt_issuer", "*", "has no wildcards"),
    Refusal("jwt_audience", "chat;other", "separate names with commas"),
    Refusal("user_id_claim", " ", "must not be empty"),
    Refusal("role_claim", " ", "must not be empty"),
    Refusal("service_roles", "*", "has no wildcards"),
    Refusal("admin_roles", "a;b", "separate names with commas"),
    Refusal("keep_claims", "*", "has no wildcards"),
    Refusal("oidc_issuer", "http://login.example.com", "must begin with https://"),
    Refusal("oidc_issuer", "https://u:hidden@a.example/", "must not contain a user name or a password"),
    Refusal("oidc_issuer", "https://169.254.169.254/", "169.254.169.254"),
    Refusal("oidc_issuer", "https://login.example.com", "oidc_client_id: is required with oidc_issuer"),
    Refusal("oidc_client_id", " ", "must not be empty"),
    Refusal("oidc_client_secret", " ", "must not be empty"),
    Refusal("oidc_name", " ", "must not be empty"),
    Refusal("default_conversations", "lobby,*", "has a wildcard"),
    Refusal("conversation_keys", "a,b,c,d,e,f,g,h,i,j,k", "must have at most 10 keys"),
    Refusal("origins", "https://app.example.com/chat", "https://app.example.com/chat"),
    Refusal("embed_origins", "https://*.example.com", "without wildcards"),
    Refusal("web_name", " ", "must not be empty"),
    Refusal("web_description", " ", "must not be empty"),
    Refusal("web_logo", "logo.gif", "must be a file that ends with .svg"),
    Refusal("web_logo", "missing.png", "web_logo: missing.png: No such file or directory"),
    Refusal("web_logo", "logo.png", "web_logo: logo.png: must have from 1 to 1000000 bytes", _file("logo.png")),
    Refusal("public_url", "https://chat.example.com/?a=b", "without a query or a fragment"),
    Refusal("vapid_private_key", "key", "must be"),
    Refusal("vapid_subject", "operator@example.com", "must be an address like mailto:"),
    Refusal("trusted_proxies", "10.0.0.1,proxy", '"proxy" is neither an address nor a network'),
    Refusal("webhook_allow", "10.0.0.0/33", "is neither an address nor a network"),
    Refusal("push_allow", "intranet", "is neither an address nor a network"),
    Refusal("link_preview_allow", "*", "is neither an address nor a network"),
    Refusal("offer_currency", "EURO", "must be the ISO 4217 code"),
    Refusal("callbacks", "message:sned=https://8.8.8.8/", '"message:sned" is not a command'),
    Refusal("callbacks", "connect=https://10.0.0.1/", "10.0.0.1 is a private address"),
    Refusal("callbacks", "connect=https://8.8.8.8/", SHORT, _file("talkwire-data/callback-secret", "whsec_short")),
    Refusal(
        *("callbacks", "connect=https://8.8.8.8/", "talkwire-data/callback-secret: must be whsec_"),
        _file("talkwire-data/callback-secret", "0123456789abcdef0123456789abcdef"),
    ),
    Refusal("callback_secret", "secret", "must be whsec_"),
    Refusal("rates", "sends=fast", "sends=fast"),
    Refusal("ice_servers", "http://turn.example.com", "must be like stun:host:port"),
    Refusal("otlp_endpoint", "127.0.0.1:4318", "must be a URL like https://host/path"),
]


def _name(refusal: Refusal) -> str:
    return f"{refusal.setting} {refusal.value[:20]}: {refusal.words[:40]}"


def test_every_setting_that_is_a_text_a_list_or_a_path_has_both_rows() -> None:
    kinds = (str, str | None, FolderSetting, tuple[str, ...], frozenset[str], Names | None)
    settings = {name for name, known in known_settings().items() if known.kind in kinds}
    assert settings <= WORKS.keys(), "a value that works is missing"
    assert settings <= {each.setting for each in REFUSED}, "a value that cannot work is missing"


def test_what_check_says_ok_to_is_served(tmp_path: Path, command: Command) -> None:
    """All values at once, but for those that exclude each other or need another server."""
    Path("key.pem").write_text(PEM)
    Path("logo.svg").write_text("<svg/>")
    left_out = {"jwt_jwks_url", "data"}  # a public key is set; and the server gets this folder in any case
    flags = [f"{known_settings()[name].flag}={value}" for name, value in WORKS.items() if name not in left_out]
    checked = command("check", "--port", "0", "--data", WORKS["data"], *flags)
    wrong = [line for line in checked.out.splitlines() if line.startswith("wrong")]
    # No Redis is there, which may become available later; and the callback's host is looked up.
    assert all(line.startswith("wrong    redis: redis://127.0.0.1:6379/0: ") for line in wrong), checked.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.pem", "logo.svg"]
    with running_server(tmp_path, *flags) as server:
        assert http_get(f"{server.url}/chat/healthz").status_code == 200


@pytest.mark.parametrize("refusal", REFUSED, ids=_name)
def test_what_check_says_wrong_to_is_refused_in_the_same_words(
    tmp_path: Path, command: Command, talkwire: Talkwire, refusal: Refusal
) -> None:
    refusal.arrange()
    before = _content(tmp_path)
    checked = command("check", "--port", "0", *refusal.flags)
    assert _content(tmp_path) == before
    served = talkwire("serve", "--port", "0", "--log-level", "error", "--log-format", "console", *refusal.flags)
    assert (served.exit_code in {1, 2}, served.out) == (True, "")
    words = served.line.removeprefix("talkwire: ")
    assert refusal.words in words
    assert words in {line.partition(": ")[2] for line in checked.out.splitlines() if line.startswith("wrong")}
    assert (checked.exit_code in {1, 2}, checked.err) == (True, "")


def _content(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_data_folder_that_a_server_with_another_database_uses_is_refused(
    tmp_path: Path, command: Command, talkwire: Talkwire
) -> None:
    flags = ("--port", "0", "--data", "data", "--database", "sqlite:///another.db")
    with running_server(tmp_path):
        checked, served = command("check", *flags), talkwire("serve", *flags)
    assert served.line.startswith("talkwire: data is in use by the process ")
    assert served.line.replace("talkwire: ", "wrong    lock: ", 1) in checked.out
