"""The access policy that settings describe, with the defaults that follow from other settings."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.settings import Settings, SettingsError
from talkwire.settings.policy import access_policy, provider_name, web_sign_in

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
        ("conversation_keys", ("orderId",)),
    ],
)
def test_settings_of_the_operator_take_precedence_over_defaults(name: str, value: object) -> None:
    given: dict[str, Any] = {"jwt_secret": SECRET, name: value}
    assert getattr(access_policy(Settings(**given)), name) == value


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({}, "account"),
        ({"host": "0.0.0.0"}, "account"),
        ({"jwt_secret": SECRET}, "token"),
        ({"accounts": "off"}, "token"),
        ({"jwt_secret": SECRET, "accounts": "invite"}, "account"),
        ({"jwt_secret": SECRET, "demo": True}, "account"),
        ({"jwt_secret": SECRET, "web_sign_in": "both"}, "both"),
    ],
)
def test_people_sign_in_to_the_web_client_with_tokens_where_there_are_no_accounts(
    given: dict[str, Any], way: str
) -> None:
    assert web_sign_in(Settings(**given)) == way


def test_the_provider_opens_a_way_to_sign_in_and_leaves_the_others() -> None:
    given: dict[str, Any] = {"oidc_issuer": "https://login.example.com/", "oidc_client_id": "talkwire"}
    policy = access_policy(Settings(**given, accounts="off"))
    assert policy.oidc_issuer == "https://login.example.com"
    assert policy.has_sign_in
    assert not policy.accepts_sign_in(None)
    assert not policy.accepts_sign_in("https://other.example.com")
    assert policy.accepts_sign_in(policy.oidc_issuer)
    assert access_policy(Settings(**given)).accounts == "open"
    assert not access_policy(Settings(accounts="off")).has_sign_in
    assert not access_policy(Settings()).accepts_sign_in("https://login.example.com")


@pytest.mark.parametrize(("given", "name"), [({}, "login.example.com"), ({"oidc_name": "Team"}, "Team")])
def test_the_provider_is_known_by_its_host_or_the_given_name(given: dict[str, Any], name: str) -> None:
    settings = Settings(oidc_issuer="https://login.example.com:8443/realms/team", oidc_client_id="talkwire", **given)
    assert provider_name(settings) == name


def test_nodes_that_share_a_provider_share_a_secret() -> None:
    given: dict[str, Any] = {"oidc_issuer": "https://login.example.com", "oidc_client_id": "talkwire"}
    with pytest.raises(SettingsError, match="jwt_secret: is required on PostgreSQL with oidc_issuer"):
        Settings(**given, database="postgresql://h/d", jwt_public_key="key.pem")
    assert Settings(**given, database="postgresql://h/d", jwt_secret=SECRET).oidc_client_id == "talkwire"
