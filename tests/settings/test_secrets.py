"""Which values of settings are removed from texts of errors."""

from __future__ import annotations

import pytest

from talkwire.logs import without_values
from talkwire.push.vapid import new_private_key
from talkwire.settings import Settings
from talkwire.settings.model import SettingValues
from talkwire.settings.secrets import secret_values

CANARY = "cAn@rY 7"
ENCODED = "cAn%40rY%207"


@pytest.mark.parametrize(
    "values",
    [
        {"database": f"postgresql://u:{ENCODED}@h/d"},
        {"database": f"postgresql://h/d?user=u&password={ENCODED}"},
        {"database": f"postgresql://h/d?sslpassword={ENCODED}"},
        {"redis": f"redis://:{ENCODED}@h:6379/0"},
        {"redis": f"unix:///run/redis.sock?db=1&password={ENCODED}"},
        {"jwt_jwks_url": f"https://h/keys?access_token={ENCODED}"},
        {"otlp_endpoint": f"https://u:{ENCODED}@h/v1"},
        {"jwt_secret": CANARY},
        {"oidc_client_secret": CANARY},
        {"ice_servers": (f"turn:u:{ENCODED}@h:3478",)},
    ],
    ids=str,
)
def test_a_secret_is_found_in_every_form(values: dict[str, object]) -> None:
    secrets = secret_values(Settings(**values))  # type: ignore[arg-type]
    assert without_values(f"<{CANARY}> <{ENCODED}>", secrets) == "<***> <***>"


def test_secrets_of_libraries_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"):
        monkeypatch.setenv(name, f"{name} {CANARY}")
        assert f"{name} {CANARY}" in secret_values(Settings())
    key = new_private_key()
    assert key in secret_values(SettingValues(vapid_private_key=key))


def test_longer_secrets_come_first_and_names_and_short_words_are_none() -> None:
    settings = Settings(
        database="postgresql://talkwire:talkwire@db/talkwire", redis="redis://:abc@h", jwt_secret="a" * 9, data="."
    )
    assert secret_values(settings.changed(oidc_client_secret="a" * 5)) == ("a" * 9, "a" * 5)
