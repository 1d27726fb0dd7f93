from __future__ import annotations

import string
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.settings import Settings, SettingsError
from talkwire.settings.known import known_settings
from talkwire.wire import EngineOptions


def test_settings_are_plain_and_a_folder_may_be_a_text() -> None:
    settings = Settings(data="./here")
    assert settings.data == Path("here")
    assert settings.sqlite_file == Path("here/talkwire.db")
    assert settings.lock_file == Path("here/lock")
    assert replace(settings, port=0).data == settings.data


def test_every_setting_has_a_description() -> None:
    assert all(each.setting.help.endswith(".") for each in known_settings().values())


def test_the_demo_implies_the_development_sign_in() -> None:
    assert Settings(demo=True).insecure_dev_auth


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_development_sign_in_is_for_loopback(host: str) -> None:
    assert Settings(host=host, insecure_dev_auth=True).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "localhost.example.com", "myhost"])
@pytest.mark.parametrize("setting", ["demo", "insecure_dev_auth"])
def test_the_development_sign_in_refuses_every_other_address(host: str, setting: str) -> None:
    given: dict[str, Any] = {"host": host, setting: True}
    with pytest.raises(SettingsError, match=rf"^{setting}: .*{host}"):
        Settings(**given)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("port", 70_000, "port: must be from 0 to 65535"),
        ("host", " ", "host: must not be empty"),
        ("dialect", "klingon", "dialect: must be one of messenger, talks"),
        ("database", "mysql://localhost/chat", "database: must be a URL like"),
        ("database", "talkwire.db", "database: must be a URL like"),
        ("database", "sqlite://", "database: must name a file"),
        ("database", "sqlite://chat.db", "database: must name a file"),
        ("database", "sqlite:///:memory:", "database: must name a file"),
        ("database", "postgresql://host:port/name", "database: the port must be a number"),
        ("redis", "localhost:6379", "redis: must be a URL like"),
        ("redis", "redis://", "redis: must name a host"),
        ("redis", "redis://host:99999", "redis: the port must be a number"),
        ("jwt_jwks_url", "idp.example.com/keys", "jwt_jwks_url: must be a URL like"),
        ("jwt_secret", " ", "jwt_secret: must not be empty"),
        ("oidc_issuer", "https://login.example.com", "oidc_client_id: is required with oidc_issuer"),
        ("oidc_issuer", "http://login.example.com", "oidc_issuer: must begin with https://"),
        ("oidc_issuer", "login.example.com", "oidc_issuer: must be a URL like"),
        ("oidc_issuer", "https://login.example.com/?a=b", "oidc_issuer: must be an address without a query"),
        ("oidc_client_id", "", "oidc_client_id: must not be empty"),
        ("oidc_client_secret", " ", "oidc_client_secret: must not be empty"),
        ("oidc_name", " ", "oidc_name: must not be empty"),
        ("origins", ("app.example.com",), "origins: .* is not an origin"),
        ("origins", ("https://me:pw@app.example.com",), "origins: an origin has neither a user name nor a password"),
        ("embed_origins", ("*",), "embed_origins: .* is neither an origin such as .* nor self"),
        ("embed_origins", ("https://*.example.com",), "embed_origins: .* is neither an origin such as .* nor self"),
        ("embed_origins", ("https://a; script-src b",), "embed_origins: .* is not an origin"),
        ("embed_origins", ("ftp://app.example.com",), "embed_origins: .* is neither an origin such as .* nor self"),
        ("offer_currency", "EURO", "offer_currency: must be the ISO 4217 code of a currency, such as EUR"),
        ("web_sign_in", "tokens", "web_sign_in: must be one of account, token, both"),
        ("web_name", " ", "web_name: must not be empty"),
        ("web_description", "", "web_description: must not be empty"),
        ("web_logo", "logo.gif", "web_logo: must be a file that ends with .svg, .png, .webp, .jpg, .jpeg"),
        ("trusted_proxies", ("proxy",), "trusted_proxies: .* neither an address nor a network"),
        ("rates", ("sends=fast",), "rates: .* is no limit such as sends=20/60"),
        ("ice_servers", ("turn:turn.example.com",), "ice_servers: must be like stun:host:port or turn:user:password@"),
        ("max_payload", 10, "max_payload: must be from"),
        ("max_file_size", 0, "max_file_size: must be from"),
        ("open_streams", -1, "open_streams: must be from"),
        ("open_agent_streams", 10_001, "open_agent_streams: must be from"),
        ("user_storage", -1, "user_storage: must be from"),
        ("upload_ttl", timedelta(0), "upload_ttl: must be from one second"),
        ("files", "", "files: must be a folder or s3://bucket/prefix"),
        ("files", "https://bucket.example.com", "files: must be a folder or s3://bucket/prefix"),
        ("files", "s3://", "files: must name a bucket"),
        ("files", "s3://key:secret@bucket/prefix", "files: must name a bucket"),
        ("ping_interval_s", 0.0, "ping_interval_s: must be more than 0"),
        ("retention", timedelta(seconds=59), "retention: must be from one minute"),
        ("recovery", "sometimes", 'recovery: must be one of ask, always, never, not "sometimes"'),
        ("recovery_window_s", -1, "recovery_window_s: must be from 0"),
        ("jwt_leeway_s", -1, "jwt_leeway_s: must be from 0"),
        ("accounts", "closed", 'accounts: must be one of open, invite, off, not "closed"'),
        ("directory", "all", 'directory: must be one of everyone, contacts, off, not "all"'),
        ("create_direct", "off", 'create_direct: must be one of everyone, service, not "off"'),
        ("delete_conversation", "everyone", 'delete_conversation: must be one of owner, service, not "everyone"'),
        ("default_conversations", ("sl/ash",), "default_conversations: .* is not a valid conversation id"),
        ("keep_claims", (" ",), "keep_claims: must not contain an empty name"),
        ("conversation_keys", ("a", " "), "conversation_keys: must not contain an empty name"),
        ("conversation_keys", ("k" * 129,), "conversation_keys: a key must have at most 128 characters"),
        ("conversation_keys", ("a\x00",), "conversation_keys: a key must not contain U\\+0000"),
        ("conversation_keys", tuple("abcdefghijk"), "conversation_keys: must have at most 10 keys"),
        ("jwt_issuer", "", "jwt_issuer: must not be empty"),
        ("jwt_issuer", ("a", " "), "jwt_issuer: must not contain an empty name"),
        ("jwt_audience", (), "jwt_audience: must not be empty"),
        ("user_id_claim", " ", "user_id_claim: must not be empty"),
        ("workers", 0, "workers: must be from 1"),
        ("workers", 2, "workers: more than one requires PostgreSQL"),
        ("drain_s", -1, "drain_s: must be from 0"),
        ("stall_exit_s", 4.9, "stall_exit_s: must be 0, or from 5 to 3600 seconds"),
        ("stall_exit_s", -1, "stall_exit_s: must be 0, or from 5 to 3600 seconds"),
        ("stall_exit_s", float("nan"), "stall_exit_s: must be 0, or from 5 to 3600 seconds"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(name: str, value: object, expected: str) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(SettingsError, match=expected):
        Settings(**given)


def test_all_problems_are_listed_and_the_first_is_the_message() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings(port=-1, redis="x", jwt_public_key="key.pem", jwt_jwks_url="https://idp/keys")
    assert {each.name for each in refusal.value.problems} == {"port", "redis", "jwt_public_key"}
    assert str(refusal.value) == str(refusal.value.problems[0])


def test_origins_are_kept_as_browsers_send_them() -> None:
    origins = (
        "https://App.Example.com:443/",
        "http://localhost:5173",
        "http://[::1]:80",
        "http://localhost:5173/",
    )
    assert Settings(origins=origins).origins == ("https://app.example.com", "http://localhost:5173", "http://[::1]")
    assert Settings(origins=("*",)).origins == ("*",)


URLS_WITH_PASSWORDS = {
    "database": "postgresql://user:{}@h/d",
    "redis": "redis://user:{}@h:6379/0",
    "jwt_jwks_url": "https://user:{}@h/keys",
    "otlp_endpoint": "https://user:{}@h/v1",
}


@pytest.mark.parametrize("name", URLS_WITH_PASSWORDS)
@given(st.text(string.printable + "\u2100\ud800", max_size=8))
@example("@/1?host=")
@example("/")
@example("#1/")
@example("?a=b")
@example("[")
@example("\u2100")
@example("%zz%00")
def test_an_unescaped_password_in_a_url_works_or_is_refused_without_a_part_of_it(name: str, text: str) -> None:
    refusal = _refusal({name: URLS_WITH_PASSWORDS[name].format(f"CANARY{text}CANARY")})
    assert refusal is None or ("CANARY" not in refusal and f"SettingsError: {name}: " in refusal)


def _refusal(values: dict[str, Any]) -> str | None:
    """Returns the printed traceback of the error for these settings; None if they are valid."""
    try:
        Settings(**values)
    except SettingsError as error:
        return "".join(traceback.TracebackException.from_exception(error).format())
    return None


@pytest.mark.parametrize(("raw", "encoded"), [("/", "%2F"), ("?", "%3F"), ("#", "%23"), ("[", "%5B")])
def test_a_reserved_character_in_a_password_is_named(raw: str, encoded: str) -> None:
    with pytest.raises(SettingsError, match=rf"redis: the user name or password contains '\{raw}', .*{encoded}"):
        Settings(redis=f"redis://user:a{raw}b@h:6379/0")


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = Settings(
        jwt_secret="quite-secret", database="postgresql://u:hidden@h/d", redis="redis://:hidden@h", data="."
    )
    assert "quite-secret" not in repr(settings)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "file", "lock"),
    [
        ("sqlite:///chat.db", "chat.db", "chat.db-lock"),
        ("sqlite:////var/lib/chat.db", "/var/lib/chat.db", "/var/lib/chat.db-lock"),
        ("sqlite:///data/chat.db", "data/chat.db", "data/chat.db-lock"),
        ("sqlite:///data/talkwire.db", "data/talkwire.db", "data/lock"),
        ("sqlite:///elsewhere/talkwire.db", "elsewhere/talkwire.db", "elsewhere/lock"),
        ("postgresql://talkwire@localhost/chat", None, None),
        ("postgres://talkwire@localhost/chat", None, None),
    ],
)
def test_the_lock_belongs_to_the_database(url: str, file: str | None, lock: str | None) -> None:
    settings = Settings(database=url, data="data")
    assert settings.sqlite_file == (None if file is None else Path(file))
    assert settings.lock_file == (None if lock is None else Path(lock))


def test_heartbeat_and_payload_are_by_default_what_the_protocol_layer_has() -> None:
    settings, options = Settings(), EngineOptions()
    assert settings.ping_interval_s == options.ping_interval_s
    assert settings.ping_timeout_s == options.ping_timeout_s
    assert settings.max_payload == options.max_payload


def test_only_a_node_that_may_have_others_drains_by_default() -> None:
    postgresql = "postgresql://host/name"
    assert (Settings().drain_window_s, Settings(database=postgresql).drain_window_s) == (0, 5)
    assert (Settings(drain_s=2).drain_window_s, Settings(database=postgresql, drain_s=0).drain_window_s) == (2, 0)


def test_a_file_has_one_lock_whatever_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    (data / "talkwire.db").touch()
    (tmp_path / "other").symlink_to(data)
    (tmp_path / "link.db").symlink_to(data / "talkwire.db")
    (data / "other.db").symlink_to("talkwire.db")
    named = [
        Settings(data="data"),
        Settings(data="other"),
        Settings(data=tmp_path / "other/../data"),
        Settings(data="elsewhere", database="sqlite:///data/talkwire.db"),
        Settings(data="elsewhere", database=f"sqlite:///{data}/talkwire.db"),
        Settings(data="data", database=f"sqlite:///{data}/talkwire.db"),
        Settings(database="sqlite:///other/talkwire.db"),
        Settings(database="sqlite:///link.db"),
        Settings(database="sqlite:///data/other.db"),
    ]
    locks = [settings.lock_file for settings in named]
    assert {lock and lock.resolve() for lock in locks} == {data / "lock"}
    assert locks[0] == Path("data/lock"), "it is shown as it was named"


def test_a_server_with_an_external_database_has_a_data_folder_too() -> None:
    assert Settings(data="data").folder_lock_file is None
    assert Settings(data="data", database="sqlite:///./data/talkwire.db").folder_lock_file is None
    assert Settings(data="data", database="sqlite:///data/chat.db").folder_lock_file == Path("data/lock")
    assert Settings(data="data", database="sqlite:///talkwire.db").folder_lock_file == Path("data/lock")
    assert Settings(data="data", database="postgresql://talkwire@localhost/chat").folder_lock_file is None


def test_origins_of_frames_are_kept_as_browsers_send_them() -> None:
    given = Settings(embed_origins=("self", "https://Shop.Example.com:443/", "http://[::1]:8000", "self"))
    assert given.embed_origins == ("self", "https://shop.example.com", "http://[::1]:8000")
