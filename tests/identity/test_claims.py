from __future__ import annotations

import json

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.identity.claims import Identity, decode_claims, identity_of
from talkwire.identity.policy import TokenPolicy
from talkwire.identity.user_ids import user_id_of

POLICY = TokenPolicy(secret="s")
OWN_ID = "8000000000000042"


def identify(claims: dict[str, object], policy: TokenPolicy = POLICY, *, secret: bool = False) -> Identity:
    return identity_of(decode_claims(json.dumps(claims).encode()), policy, None, signed_with_secret=secret)


@pytest.mark.parametrize(
    ("claims", "user_id"),
    [
        ({"sub": "alice"}, "alice"),
        ({"userId": "alice"}, "alice"),
        ({"id": "alice"}, "alice"),
        ({"_id": "65f0c0ffee"}, "65f0c0ffee"),
        ({"_id": "d", "id": "c", "userId": "b", "sub": "a"}, "a"),
        ({"_id": "d", "id": "c", "userId": "b"}, "b"),
        ({"_id": "d", "id": "c"}, "c"),
        ({"sub": None, "id": 7}, "7"),
        ({"sub": 0}, "0"),
        ({"sub": 123}, "123"),
        ({"sub": 12.0}, "12"),
        ({"sub": 175928847299117063}, "175928847299117063"),
        ({"sub": "日本"}, "日本"),
        ({"sub": "auth0|65f0"}, "auth0|65f0"),
        ({"sub": "a" * 128}, "a" * 128),
        ({"sub": "a/b", "id": "c"}, user_id_of("a/b")),
    ],
)
def test_the_user_id_is_the_first_of_four_claims_as_text(claims: dict[str, object], user_id: str) -> None:
    assert identify(claims).user_id == user_id


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "a\tb",
        "a\x00b",
        "a\x7fb",
        "a\x85b",
        True,
        False,
        1.5,
        1e300,
        ["alice"],
        {"id": "alice"},
        OWN_ID,
        8_000_000_000_000_043,
        "8999999999999999",
    ],
)
def test_an_id_that_is_not_valid_is_refused(value: object) -> None:
    with pytest.raises(ChatError) as caught:
        identify({"sub": value, "id": "alice"})
    assert caught.value.code == "unauthenticated"


@pytest.mark.parametrize("user_id", ["7999999999999999", "9000000000000000", "80000000000000420", "8000000000000042x"])
def test_an_id_beside_our_range_is_an_application_s(user_id: str) -> None:
    assert identify({"sub": user_id}).user_id == user_id


def test_a_token_without_a_user_is_refused() -> None:
    with pytest.raises(ChatError, match="names no user"):
        identify({"name": "Alice"})


@pytest.mark.parametrize(
    ("claim", "claims", "user_id"),
    [
        ("oid", {"sub": "S//8", "oid": "0f-1"}, "0f-1"),
        ("preferred_username", {"sub": "1", "preferred_username": "DOMAIN/jane"}, user_id_of("DOMAIN/jane")),
        ("https://example.com/id", {"sub": "1", "https://example.com/id": 7}, "7"),
        ("app.user.id", {"sub": "1", "app": {"user": {"id": "jane"}}}, "jane"),
    ],
)
def test_a_setting_names_the_claim_with_the_user_id(claim: str, claims: dict[str, object], user_id: str) -> None:
    policy = TokenPolicy(secret="s", user_id_claim=claim)
    assert identify(claims, policy).user_id == user_id


@pytest.mark.parametrize("claims", [{"sub": "alice"}, {"sub": "alice", "oid": None}, {"id": "alice"}])
def test_no_other_claim_replaces_the_one_that_the_setting_names(claims: dict[str, object]) -> None:
    with pytest.raises(ChatError, match=r"names no user: it has no claim `oid`"):
        identify(claims, TokenPolicy(secret="s", user_id_claim="oid"))


def test_tokens_of_ours_name_talkwire_s_ids_in_sub_whatever_the_setting() -> None:
    policy = TokenPolicy(secret="s", user_id_claim="oid")
    mapped = user_id_of("DOMAIN/jane")
    claims: dict[str, object] = {"sub": mapped, "iss": "talkwire", "oid": "eve"}
    assert identify(claims, policy, secret=True).user_id == mapped
    assert identify(claims, policy, secret=False).user_id == "eve"


def test_a_token_of_ours_may_name_an_id_of_ours() -> None:
    identity = identify({"sub": OWN_ID, "iss": "talkwire", "sid": "s1"}, secret=True)
    assert identity.issued_by_us
    assert (identity.user_id, identity.session_id) == (OWN_ID, "s1")


def test_a_token_that_only_claims_to_be_ours_is_refused_such_ids() -> None:
    with pytest.raises(ChatError, match="range"):
        identify({"sub": OWN_ID, "iss": "talkwire"}, secret=False)


def test_the_session_claim_of_a_foreign_token_is_ignored() -> None:
    assert identify({"sub": "alice", "sid": "s1"}, secret=True).session_id is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Alice"}, "Alice"),
        ({"username": "al"}, "al"),
        ({"name": "Alice", "username": "al", "email": "a@b.c"}, "Alice"),
        ({"name": " ", "username": "al"}, "al"),
        ({"name": 5, "email": "a.b@c.d"}, "a.b"),
        ({"email": "@c.d"}, None),
        ({"email": 5}, None),
        ({}, None),
        ({"name": "  Alice \n  B\x00ob "}, "Alice B ob"),
        ({"name": "👩‍👩‍👧"}, "👩‍👩‍👧"),
        ({"name": "a" * 500}, "a" * 200),
        ({"name": "\u202eEve\u2069"}, "Eve"),
        ({"name": "\u200c\u3164", "username": "eve"}, "eve"),
    ],
)
def test_the_name_is_the_first_that_shows_something(claims: dict[str, object], name: str | None) -> None:
    assert identify({"sub": "a", **claims}).name == name


@pytest.mark.parametrize(
    ("value", "role"),
    [
        (None, "user"),
        ("service", "service"),
        ("admin", "admin"),
        ("Admin", "user"),
        ("user", "user"),
        (["editor", "admin"], "admin"),
        (["admin", "service"], "service"),
        ({"admin": True}, "user"),
        (True, "user"),
        ([["admin"]], "user"),
    ],
)
def test_the_role_is_the_claims_value_and_user_otherwise(value: object, role: str) -> None:
    assert identify({"sub": "a", "role": value}).role == role


def test_which_claim_and_words_mean_a_role_is_a_setting() -> None:
    policy = TokenPolicy(
        secret="s", role_claim="chat", service_roles=frozenset({"backend"}), admin_roles=frozenset({"boss"})
    )
    assert identify({"sub": "a", "role": "admin"}, policy).role == "user"
    assert identify({"sub": "a", "chat": "boss"}, policy).role == "admin"
    assert identify({"sub": "a", "chat": "backend"}, policy).role == "service"


REALM: dict[str, object] = {"realm_access": {"roles": ["offline_access", "admin"]}}


@pytest.mark.parametrize(
    ("claim", "claims", "role"),
    [
        ("realm_access.roles", REALM, "admin"),
        ("resource_access.chat.roles", {"resource_access": {"chat": {"roles": ["admin"]}}}, "admin"),
        ("app_metadata.role", {"app_metadata": {"role": "admin"}}, "admin"),
        ("https://example.com/roles", {"https://example.com/roles": ["admin"]}, "admin"),
        ("https://example.com/chat.roles", {"https://example.com/chat": {"roles": ["admin"]}}, "admin"),
        ("resource_access.org.app.roles", {"resource_access": {"org.app": {"roles": "admin"}}}, "admin"),
        ("a.b.c", {"a": {"b": 1}, "a.b": {"c": "admin"}}, "admin"),
        ("a.b", {"a.b": "user", "a": {"b": "admin"}}, "user"),
        ("a.b", {"a.b": None, "a": {"b": "admin"}}, "admin"),
        ("realm_access.role", REALM, "user"),
        ("realm_access", REALM, "user"),
        ("realm_access.roles.0", REALM, "user"),
        ("realm_access.", REALM, "user"),
        (".realm_access", REALM, "user"),
        ("role.name", {"role": "admin"}, "user"),
    ],
)
def test_a_setting_names_a_claim_by_its_name_or_by_the_path_to_it(
    claim: str, claims: dict[str, object], role: str
) -> None:
    policy = TokenPolicy(secret="s", role_claim=claim, keep_claims=(claim,))
    identity = identify({"sub": "a", **claims}, policy)
    assert identity.role == role
    assert (claim in identity.claims) == (role == "admin" or claim in claims)


def test_tokens_of_ours_keep_their_words_for_roles_whatever_the_setting() -> None:
    policy = TokenPolicy(secret="s", role_claim="chat")
    assert identify({"sub": "a", "iss": "talkwire", "role": "admin"}, policy, secret=True).role == "admin"
    assert identify({"sub": "a", "iss": "talkwire", "role": "service"}, policy, secret=True).role == "service"
    assert identify({"sub": "a", "iss": "talkwire", "role": "admin"}, policy, secret=False).role == "user"


def test_four_claims_are_kept_as_they_came() -> None:
    kept = {"role": "nurse", "type": 3, "department": None, "permissions": ["read", {"write": True}]}
    identity = identify({"sub": "a", "shoe": 42, **kept})
    assert identity.claims == {"role": "nurse", "type": 3, "permissions": ["read", {"write": True}]}


@pytest.mark.parametrize("permissions", ["a\x00", ["\x00"], {"\x00": 1}, {"a": ["\x00"]}])
def test_a_kept_claim_that_no_database_could_hold_is_refused(permissions: object) -> None:
    with pytest.raises(ChatError, match=r"U\+0000"):
        identify({"sub": "a", "permissions": permissions})


def test_a_kept_claim_nested_too_deeply_is_refused() -> None:
    nested: object = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(ChatError, match="deeply"):
        identify({"sub": "a", "permissions": nested})


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"exp":NaN}',
        rb'{"sub":"\ud800"}',
        b'{"sub":"\xff"}',
        b'{"a":' * 2000,
        b'{"exp":1e999}',
    ],
)
def test_a_payload_that_is_not_strict_json_is_refused(payload: bytes) -> None:
    with pytest.raises(ChatError) as caught:
        decode_claims(payload)
    assert caught.value.code == "unauthenticated"


ISSUER, OTHER = "https://id.example", "https://id.example/v2"
STRICT = TokenPolicy(secret="s", issuers=(ISSUER, OTHER), audiences=("chat", "web"))


@pytest.mark.parametrize("issuer", [ISSUER, OTHER])
@pytest.mark.parametrize("audience", ["chat", "web", ["app", "web"], [None, {"a": 1}, "chat"]])
def test_a_token_of_any_issuer_for_any_audience_in_the_policy_is_accepted(issuer: str, audience: object) -> None:
    assert identify({"sub": "a", "iss": issuer, "aud": audience}, STRICT).user_id == "a"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, "has no `iss`, .* jwt_issuer"),
        ({"aud": "chat"}, "has no `iss`"),
        ({"iss": None, "aud": "chat"}, "has no `iss`"),
        ({"iss": "https://other.example", "aud": "chat"}, "another issuer: .* jwt_issuer"),
        ({"iss": "talkwire", "aud": "chat"}, "another issuer"),
        ({"iss": [ISSUER], "aud": "chat"}, "another issuer"),
        ({"iss": f"{ISSUER}/", "aud": "chat"}, "another issuer"),
        ({"iss": ISSUER}, "has no `aud`, .* jwt_audience"),
        ({"iss": ISSUER, "aud": None}, "has no `aud`"),
        ({"iss": ISSUER, "aud": "chats"}, "another audience: .* jwt_audience"),
        ({"iss": ISSUER, "aud": []}, "another audience"),
        ({"iss": ISSUER, "aud": [["chat"]]}, "another audience"),
        ({"iss": ISSUER, "aud": {"chat": 1}}, "another audience"),
        ({"iss": ISSUER, "aud": "chat web"}, "another audience"),
    ],
)
def test_another_issuer_or_audience_is_refused(claims: dict[str, object], expected: str) -> None:
    with pytest.raises(ChatError, match=expected) as caught:
        identify({"sub": "a", **claims}, STRICT)
    assert "example" not in caught.value.message


def test_tokens_of_ours_need_neither() -> None:
    assert identify({"sub": "a", "iss": "talkwire"}, STRICT, secret=True).issued_by_us
