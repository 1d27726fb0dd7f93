from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from talkwire.settings import Settings, SettingsError
from talkwire.settings.callbacks import callback_urls
from talkwire.settings.known import known_settings
from talkwire.settings.sources import load_settings, unknown_variables


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


_FLAGS: Mapping[str, object] = {"port": "1001"}
_OWN_VARIABLE = {"TALKWIRE_PORT": "1002"}
_COMMON_VARIABLE = {"PORT": "1003"}
_FILE = "port = 1004"


@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=4)))
def test_flag_goes_before_own_variable_before_common_variable_before_file(given: tuple[bool, ...]) -> None:
    flag, own_variable, common_variable, file = given
    if file:
        Path("talkwire.toml").write_text(_FILE)
    loaded = load_settings(
        _FLAGS if flag else {},
        (_OWN_VARIABLE if own_variable else {}) | (_COMMON_VARIABLE if common_variable else {}),
    )
    in_order = zip(
        given,
        (1001, 1002, 1003, 1004),
        ("--port", "TALKWIRE_PORT", "PORT", "port in talkwire.toml"),
        strict=True,
    )
    expected = next(((port, source) for there, port, source in in_order if there), (3000, None))
    assert (loaded.settings.port, loaded.sources.get("port")) == expected


def test_without_any_source_everything_is_as_in_python() -> None:
    assert load_settings({}, {}).settings == Settings()


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("JWT_SECRET", "jwt_secret"),
        ("DATABASE_URL", "database"),
        ("REDIS_URL", "redis"),
        ("TALKWIRE_JWT_ISSUER", "jwt_issuer"),
    ],
)
def test_variables_that_tools_and_documents_use_are_read(variable: str, name: str) -> None:
    value = {"database": "postgresql://h/d", "redis": "redis://h"}.get(name, "some-text")
    expected = ("some-text",) if name == "jwt_issuer" else value
    assert getattr(load_settings({}, {variable: value}).settings, name) == expected


def test_every_setting_can_be_a_variable_and_a_key_of_the_file() -> None:
    texts = {
        "host": "localhost",
        "port": "4000",
        "workers": "2",
        "drain_s": "10",
        "internal_host": "10.0.0.5",
        "internal_port": "4001",
        "lease_s": "20",
        "stall_exit_s": "30",
        "data": "elsewhere",
        "database": "postgresql://h/d",
        "redis": "redis://h",
        "dialect": "messenger",
        "dialects": "talks,crm",
        "prefix": "/chat",
        "jwt_secret": "s" * 32,
        "jwt_public_key": "key.pem",
        "jwt_jwks_url": "https://idp.example.com/keys",
        "jwt_issuer": "issuer",
        "jwt_audience": "audience",
        "role_claim": "groups",
        "service_roles": "backend",
        "admin_roles": "staff",
        "origins": "https://app.example.com",
        "trusted_proxies": "10.0.0.0/8",
        "webhook_allow": "10.0.0.0/8,fd12::/16",
        "push_allow": "10.0.0.0/8,fd12::/16",
        "link_preview_allow": "10.0.0.0/8",
        "callbacks": "connect=https://app.example.com/connect,message:send=https://app.example.com/send",
        "callback_timeout_s": "1.5",
        "callback_on_failure": "allow",
        "callback_secret": f"whsec_{'A' * 32}",
        "rates": "sends=50/200",
        "ice_servers": "stun:stun.example.com",
        "jwt_leeway_s": "30",
        "keep_claims": "team,plan",
        "accounts": "invite",
        "otlp_endpoint": "http://localhost:4318",
        "oidc_issuer": "https://login.example.com",
        "oidc_client_id": "talkwire",
        "oidc_client_secret": "secret",
        "oidc_name": "Example Team",
        "directory": "contacts",
        "create_direct": "service",
        "create_group": "service",
        "create_channel": "service",
        "delete_conversation": "service",
        "streams": "everyone",
        "default_conversations": "general",
        "conversation_keys": "orderId,shop",
        "web_sign_in": "both",
        "offers": "on",
        "offer_currency": "CHF",
        "embed_origins": "self,https://app.example.com",
        "web_name": "Fernhill",
        "web_description": "Where we talk.",
        "web_logo": "logo.svg",
        "public_url": "https://chat.example.com",
        "access_token_ttl": "15m",
        "refresh_token_ttl": "7d",
        "push_content": "sender",
        "vapid_private_key": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
        "vapid_subject": "mailto:operator@example.com",
        "retention": "90d",
        "files": "s3://bucket/prefix",
        "max_file_size": "1000000",
        "user_storage": "5000000",
        "upload_ttl": "1h",
        "connections_per_address": "100",
        "idle_connections_per_address": "10",
        "sessions_per_address": "200",
        "sockets_per_user": "20",
        "open_streams": "4",
        "open_agent_streams": "100",
        "max_turn_tries": "3",
        "turn_alert_s": "60",
        "max_agent_depth": "5",
        "agent_messages_per_hour": "600",
        "head_timeout_s": "5",
        "body_timeout_s": "6",
        "read_timeout_s": "7",
        "keep_alive_s": "8",
        "contacts_max": "50",
        "presence_grace_s": "5",
        "call_ring_s": "30",
        "recovery": "always",
        "recovery_window_s": "300",
        "ping_interval_s": "10",
        "ping_timeout_s": "5",
        "max_payload": "65536",
        "log_level": "debug",
        "log_format": "json",
    }
    needed = {"workers": {"DATABASE_URL": "postgresql://h/d"}, "oidc_issuer": {"TALKWIRE_OIDC_CLIENT_ID": "talkwire"}}
    for name, each in known_settings().items():
        text = texts.get(name, "off" if each.default is True else "on")
        beside = needed.get(name, {})
        by_variable = load_settings({}, {each.variables[0]: text, **beside}).settings
        Path("talkwire.toml").write_text(f'{name} = "{text}"')
        by_file = load_settings({}, beside).settings
        Path("talkwire.toml").unlink()
        assert by_variable == by_file
        if name != "dialect":
            assert getattr(by_file, name) != each.default


def test_toml_numbers_truths_and_lists_are_taken_as_they_are() -> None:
    Path("talkwire.toml").write_text(
        'port = 4000\ndemo = true\nping_interval_s = 2.5\norigins = ["https://a.example", "https://b.example"]\n'
        'access_token_ttl = "90s"\nservice_roles = []\n'
    )
    settings = load_settings({}, {}).settings
    assert settings.port == 4000
    assert settings.demo
    assert settings.ping_interval_s == 2.5
    assert settings.origins == ("https://a.example", "https://b.example")
    assert settings.access_token_ttl.total_seconds() == 90
    assert settings.service_roles == frozenset()


def test_callbacks_are_a_table_of_the_file() -> None:
    Path("talkwire.toml").write_text(
        '[callbacks]\n"connect" = "https://app.example.com/connect"\n'
        '"message:send" = "https://app.example.com/before-send?a=1,2"\n'
        'timeout_s = 2.5\non_failure = "allow"\nsecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"\n'
    )
    settings = load_settings({}, {}).settings
    assert callback_urls(settings) == {
        "connect": "https://app.example.com/connect",
        "message:send": "https://app.example.com/before-send?a=1,2",
    }
    assert (settings.callback_timeout_s, settings.callback_on_failure) == (2.5, "allow")
    assert settings.callback_secret == "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert "whsec_" not in repr(settings)
    assert load_settings({"callback_timeout_s": "3"}, {}).settings.callback_timeout_s == 3.0


def test_callbacks_reach_named_networks() -> None:
    environ = {"TALKWIRE_CALLBACKS": "sync=http://10.0.0.1:8000/a", "TALKWIRE_WEBHOOK_ALLOW": "10.0.0.0/8"}
    assert callback_urls(load_settings({}, environ).settings) == {"sync": "http://10.0.0.1:8000/a"}


def test_both_variables_for_origins_count_together() -> None:
    environ = {"TALKWIRE_ORIGINS": "https://a.example", "FRONTEND_URL": "https://b.example/, https://a.example"}
    loaded = load_settings({}, environ)
    assert loaded.settings.origins == ("https://a.example", "https://b.example")
    assert load_settings({"origins": "*"}, environ).settings.origins == ("*",)


def test_an_empty_variable_counts_as_unset() -> None:
    Path("talkwire.toml").write_text("port = 4000")
    assert load_settings({}, {"TALKWIRE_PORT": "", "JWT_SECRET": " "}).settings == Settings(port=4000)


def test_the_file_may_be_named_by_flag_and_by_variable() -> None:
    Path("one.toml").write_text("port = 1")
    Path("two.toml").write_text("port = 2")
    Path("talkwire.toml").write_text("port = 3")
    assert load_settings({}, {"TALKWIRE_CONFIG": "two.toml"}).settings.port == 2
    assert load_settings({}, {"TALKWIRE_CONFIG": "two.toml"}, Path("one.toml")).settings.port == 1


@pytest.mark.parametrize(
    ("flags", "environ", "file", "expected"),
    [
        ({"port": "abc"}, {}, "", "--port: must be a whole number"),
        ({}, {"TALKWIRE_PORT": "abc"}, "", "TALKWIRE_PORT: must be a whole number"),
        ({}, {"PORT": "99999"}, "", "PORT: must be from 0 to 65535"),
        ({}, {}, "port = 'abc'", "port in talkwire.toml: must be a whole number"),
        ({}, {}, "prot = 1", "prot in talkwire.toml: is not a setting; did you mean port?"),
        ({}, {}, "[server]\nport = 1", "server in talkwire.toml: is not a setting"),
        ({}, {}, "port = ", "talkwire.toml: is not TOML: Invalid value"),
        ({}, {"DATABASE_URL": "mysql://h/d"}, "", "DATABASE_URL: must be a URL like postgresql"),
        ({}, {"FRONTEND_URL": "app.example.com"}, "", 'FRONTEND_URL: "app.example.com" is not an origin'),
        ({"demo": True}, {"TALKWIRE_HOST": "0.0.0.0"}, "", '--demo: accepts any user id .* not "0.0.0.0"'),
        ({"refresh_token_ttl": "30"}, {}, "", "--refresh-token-ttl: must be a duration such as"),
        ({}, {"TALKWIRE_WEBHOOK_ALLOW": "ten"}, "", 'TALKWIRE_WEBHOOK_ALLOW: "ten" is neither an address nor'),
        (
            {},
            {},
            "[callbacks]\n'message:sned' = 'https://a.example'",
            'callbacks in talkwire.toml: "message:sned" is not a command .*; did you mean message:send',
        ),
        ({}, {}, "[callbacks]\nping = 'https://a.example'", 'callbacks in .*: "ping" concerns one socket only'),
        (
            {},
            {},
            "[callbacks]\nconnect = 'http://a.example'",
            'callbacks in talkwire.toml: "connect": must begin with https://',
        ),
        ({}, {}, "[callbacks]\nconnect = 5", r"callbacks\.connect in talkwire\.toml: must be a URL, as a text"),
        ({}, {}, "[callbacks]\nconnect = 'https://10.0.0.1/'", '.*"connect": 10.0.0.1 is a private address'),
        ({}, {}, "[callbacks]\ntimeout_s = 0", r"callbacks\.timeout_s in talkwire\.toml: must be more than 0 and at"),
        ({}, {}, "[callbacks]\ntimeout_s = 'soon'", r"callbacks\.timeout_s in talkwire\.toml: must be a number"),
        ({}, {}, "[callbacks]\non_failure = 'no'", r"callbacks\.on_failure in talkwire\.toml: must be one of refuse"),
        ({}, {}, "[callbacks]\nsecret = 'no'", r"callbacks\.secret in talkwire\.toml: must be whsec_"),
        (
            {},
            {},
            "callback_timeout_s = 1\n[callbacks]\ntimeout_s = 1",
            r"callbacks\.timeout_s in .*: is the same setting as callback_timeout_s in talkwire\.toml",
        ),
        ({"callbacks": "message:send"}, {}, "", '--callbacks: "message:send": must have 1 to 2048 characters'),
        (
            {"callbacks": "sync=https://a.example,sync=https://b.example"},
            {},
            "",
            '--callbacks: "sync": must be given only once',
        ),
        (
            {"callbacks": "sync=https://a.example"},
            {"DATABASE_URL": "postgresql://h/d"},
            "",
            "callback_secret: is required for callbacks on PostgreSQL",
        ),
    ],
)
def test_problems_name_the_source_of_the_setting(
    flags: Mapping[str, object], environ: Mapping[str, str], file: str, expected: str
) -> None:
    if file:
        Path("talkwire.toml").write_text(file)
    with pytest.raises(SettingsError, match=f"^{expected}"):
        load_settings(flags, environ)


def test_all_malformed_values_are_listed() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings({"port": "x"}, {"TALKWIRE_DEMO": "perhaps"})
    assert {each.source for each in refusal.value.problems} == {"--port", "TALKWIRE_DEMO"}


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_named_file_has_to_be_there_and_be_text(content: bytes | None) -> None:
    if content is not None:
        Path("named.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^named\.toml: "):
        load_settings({}, {}, Path("named.toml"))


def test_unknown_variables_are_reported_with_a_suggestion() -> None:
    environ = {"TALKWIRE_PROT": "1", "TALKWIRE_PORT": "1", "TALKWIRE_CONFIG": "x", "TALKWIRE_TOKEN": "t", "OTHER": "y"}
    assert list(unknown_variables(environ)) == [("TALKWIRE_PROT", "TALKWIRE_PORT")]


def test_a_variable_that_only_begins_like_a_setting_has_no_suggestion() -> None:
    environ = {"TALKWIRE_SOCKETIO_ADMIN": "1", "TALKWIRE_DATABASE_URL": "2"}
    suggested = [("TALKWIRE_DATABASE_URL", "TALKWIRE_DATABASE"), ("TALKWIRE_SOCKETIO_ADMIN", None)]
    assert list(unknown_variables(environ)) == suggested


@pytest.mark.parametrize("variable", ["JWT_SECRET_FILE", "TALKWIRE_JWT_SECRET_FILE"])
def test_a_variable_names_a_file_with_the_value(variable: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a-secret-from-a-file\n", encoding="utf-8")
    loaded = load_settings({}, {variable: str(tmp_path / "secret")})
    assert loaded.settings.jwt_secret == "a-secret-from-a-file"
    assert loaded.sources["jwt_secret"] == variable


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n "])
def test_a_byte_order_mark_is_no_part_of_the_value(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(start + b"a-secret-from-a-file\r\n")
    assert (
        load_settings({}, {"JWT_SECRET_FILE": str(tmp_path / "secret")}).settings.jwt_secret == "a-secret-from-a-file"
    )
    (tmp_path / "talkwire.toml").write_bytes(b'\xef\xbb\xbfjwt_secret = "a-secret-from-a-file"\r\n')
    loaded = load_settings({}, {}, tmp_path / "talkwire.toml")
    assert loaded.settings.jwt_secret == "a-secret-from-a-file"


def test_a_flag_overrides_the_file_of_a_variable(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1001")
    assert load_settings({}, {"TALKWIRE_PORT_FILE": str(tmp_path / "port")}).settings.port == 1001
    assert load_settings({"port": "1002"}, {"TALKWIRE_PORT_FILE": str(tmp_path / "port")}).settings.port == 1002


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * 70_000, "is larger than 65536 bytes"),
    ],
)
def test_an_unusable_file_of_a_variable_is_refused(content: bytes | None, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load_settings({}, {"JWT_SECRET_FILE": str(file)})
    assert str(refused.value.problems[0]) == f"JWT_SECRET_FILE: the file {file} {problem}"


def test_a_value_and_a_file_for_one_setting_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a-secret-from-a-file")
    with pytest.raises(SettingsError) as refused:
        load_settings({}, {"JWT_SECRET": "another", "TALKWIRE_JWT_SECRET_FILE": str(tmp_path / "secret")})
    assert str(refused.value.problems[0]) == ("TALKWIRE_JWT_SECRET_FILE: is also set by JWT_SECRET; set one of them")


def test_an_empty_variable_of_a_file_counts_as_not_set() -> None:
    assert load_settings({}, {"JWT_SECRET_FILE": ""}).settings == Settings()


def test_variables_of_files_are_known() -> None:
    environ = {"TALKWIRE_JWT_SECRET_FILE": "/secret", "TALKWIRE_JWT_SECRE_FILE": "/secret"}
    assert [name for name, _ in unknown_variables(environ)] == ["TALKWIRE_JWT_SECRE_FILE"]
