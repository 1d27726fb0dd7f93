"""What operators see of the settings: everything but secrets."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.push.vapid import new_private_key
from talkwire.settings import Settings
from talkwire.settings.known import known_settings
from talkwire.settings.shown import shown_settings
from talkwire.settings.sources import load_settings

CANARY = "cAnArY"
LONG = f"{CANARY}-{'x' * 40}"


def _values(settings: Settings) -> dict[str, str | None]:
    return {each.name: each.value for each in shown_settings(settings)}


def test_a_default_that_depends_on_other_settings_is_the_value_in_force() -> None:
    names = ("accounts", "directory", "create_channel", "web_sign_in", "drain_s")
    shown = _values(Settings())
    assert [shown[name] for name in names] == ["open", "everyone", "everyone", "account", "0"]
    assert shown["dialects"] == "messenger,talks,whatsapp,crm,gateway"
    assert _values(Settings(dialect="crm", dialects=("talks",)))["dialects"] == "talks,crm"
    closed = _values(Settings(jwt_secret=LONG, database="postgresql://db.example.com/chat"))
    assert [closed[name] for name in names] == ["off", "contacts", "service", "token", "5"]


def test_no_secret_is_shown() -> None:
    private_key = new_private_key()
    settings = Settings(
        database=f"postgresql://user:{CANARY}@db.example.com:5432/chat?password={CANARY}&sslmode=require",
        redis=f"rediss://user:{CANARY}@cache.example.com:6380/0?password={CANARY}",
        jwt_secret=LONG,
        callback_secret=f"whsec_{'Y0FuQXJZ' * 4}",
        oidc_issuer="https://login.example.com",
        oidc_client_id="chat",
        oidc_client_secret=CANARY,
        public_url="https://chat.example.com",
        vapid_private_key=private_key,
        ice_servers=(f"turn:user:{CANARY}@turn.example.com:3478",),
        callbacks=(f"message:send=https://app.example.com/hook?key={CANARY}",),
        otlp_endpoint=f"https://user:{CANARY}@traces.example.com/v1?token={CANARY}",
        jwt_jwks_url=f"https://keys.example.com/jwks?token={CANARY}",
    )
    values = _values(settings)
    shown = str(values)
    assert CANARY not in shown
    assert "Y0FuQXJZ" not in shown
    assert private_key not in shown
    assert values["database"] == "postgresql://***@db.example.com:5432/chat?***"
    assert values["redis"] == "rediss://***@cache.example.com:6380/0?***"
    assert values["callbacks"] == "message:send=https://app.example.com/hook?***"
    assert values["oidc_issuer"] == "https://login.example.com"


def test_settings_that_sound_like_secrets_are_secret() -> None:
    public = {"jwt_public_key", "jwt_jwks_url", "allow_weak_secret", "jwt_require_exp", "access_token_ttl"}
    public |= {"refresh_token_ttl", "keep_claims", "conversation_keys", "keep_alive_s", "has_token_keys"}
    words = ("secret", "key", "password", "token", "credential")
    sounding = {name for name in known_settings() if any(word in name for word in words)} - public
    secret = {each.name for each in shown_settings(Settings()) if each.is_secret}
    assert sounding <= secret, "give the field repr=False"
    assert secret == {"jwt_secret", "oidc_client_secret", "vapid_private_key", "callback_secret", "ice_servers"}


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["", "?a=b", "?a=b@c", "#d", "/@/"]))
@example("@", "", "")
@example("?", "", "")
@example("#", "/", "?a=b@c")
@example(",", " ", "")
@example("\n", "://", "")
def test_no_part_of_a_password_is_shown_whatever_characters_it_has(before: str, after: str, rest: str) -> None:
    settings = Settings()
    object.__setattr__(settings, "redis", f"redis://user:{before}{CANARY}{after}@cache.example.com/0{rest}")
    assert CANARY not in str(_values(settings))


@pytest.mark.parametrize(
    "url",
    [
        f"redis://cache.example.com/0?password=x@{CANARY}",
        f"redis://cache.example.com/0#x@{CANARY}",
        f"redis://user:x@{CANARY}@cache.example.com/0",
        f"redis://user:x@cache.example.com/0?password={CANARY}",
    ],
)
def test_a_secret_is_hidden_wherever_it_is_in_an_address(url: str) -> None:
    settings = Settings()
    object.__setattr__(settings, "redis", url)
    assert CANARY not in str(_values(settings))


def test_each_setting_has_the_place_where_it_was_set(tmp_path: Path) -> None:
    file = tmp_path / "talkwire.toml"
    file.write_text('web_name = "Chat"\nretention = "90d"\n', encoding="utf-8")
    secret_file = tmp_path / "secret"
    secret_file.write_text(LONG, encoding="utf-8")
    environ = {"TALKWIRE_OFFERS": "on", "TALKWIRE_JWT_SECRET_FILE": str(secret_file), "PORT": "3001"}
    settings = load_settings({"rates": "sends=5/9"}, environ, file).settings
    moved = pickle.loads(pickle.dumps(settings)).changed(port=3002)  # noqa: S301 (of this test)
    shown = {each.name: (each.value, each.source, each.is_secret) for each in shown_settings(moved)}
    assert shown["web_name"] == ("Chat", "file", False)
    assert shown["retention"] == ("90d", "file", False)
    assert shown["offers"] == ("on", "environment", False)
    assert shown["jwt_secret"] == (None, "environment", True)
    assert shown["rates"] == ("sends=5/9", "option", False)
    assert shown["port"] == ("3002", "option", False)
    assert shown["host"] == ("127.0.0.1", "default", False)
    assert shown["data"] == ("talkwire-data", "default", False)
    assert shown["redis"] == (None, "default", False)
    assert [*shown] == [*known_settings()]


@pytest.mark.parametrize("text", ["-----BEGIN PRIVATE KEY-----\nabc", "-----BEGIN RSA PRIVATE KEY-----"])
def test_a_private_key_in_the_wrong_place_is_not_shown(text: str) -> None:
    settings = Settings()
    object.__setattr__(settings, "jwt_public_key", text)
    assert _values(settings)["jwt_public_key"] is None
