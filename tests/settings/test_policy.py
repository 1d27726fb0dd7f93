"""The access policy that settings describe, with the defaults that follow from other settings."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.settings import Settings
from talkwire.settings.policy import access_policy

SECRET = "s" * 32
TOKEN_KEYS: list[dict[str, Any]] = [
    {"jwt_secret": SECRET},
    {"jwt_public_key": "key.pem"},
    {"jwt_jwks_url": "https://id.example.com/keys"},
]


@pytest.mark.parametrize("keys", TOKEN_KEYS)
def test_a_server_of_an_application_with_own_users_is_closed(keys: dict[str, Any]) -> None:
    policy = access_policy(Settings(**keys))
    assert (policy.accounts, policy.directory, policy.create_channel) == ("off", "contacts", "service")
    assert (policy.create_direct, policy.create_group, policy.delete_conversation) == ("everyone", "everyone", "owner")


@pytest.mark.parametrize(
    ("given", "accounts"),
    [
        ({}, "open"),
        ({"host": "::1"}, "open"),
        ({"host": "0.0.0.0"}, "invite"),
        ({"host": "chat.example.com"}, "invite"),
        ({"demo": True}, "open"),
        ({"demo": True, "jwt_secret": SECRET}, "open"),
    ],
)
def test_without_token_keys_accounts_depend_on_the_address(given: dict[str, Any], accounts: str) -> None:
    assert access_policy(Settings(**given)).accounts == accounts


def test_without_token_keys_users_find_each_other_and_create_channels() -> None:
    policy = access_policy(Settings(host="0.0.0.0"))
    assert (policy.directory, policy.create_channel, policy.default_conversations) == ("everyone", "everyone", ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accounts", "invite"),
        ("directory", "off"),
        ("create_direct", "service"),
        ("create_group", "service"),
        ("create_channel", "everyone"),
        ("delete_conversation", "service"),
        ("default_conversations", ("general",)),
    ],
)
def test_settings_of_the_operator_take_precedence_over_defaults(name: str, value: object) -> None:
    given: dict[str, Any] = {"jwt_secret": SECRET, name: value}
    assert getattr(access_policy(Settings(**given)), name) == value
