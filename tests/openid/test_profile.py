"""What of a provider's claims becomes a user's profile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.commands.accounts import OpenProviderLogin
from talkwire.core.domain.model import ProviderProfile
from talkwire.core.features.users.provider_logins import check_open
from talkwire.openid.profile import Claims, joined_claims, profile_of


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": " Ann  Smith\n", "given_name": "A"}, "Ann Smith"),
        ({"name": "", "given_name": "Ann", "family_name": "Smith"}, "Ann Smith"),
        ({"family_name": "Smith"}, "Smith"),
        ({"preferred_username": "ann@example.com"}, "ann"),
        ({"email": "ann.smith@example.com"}, "ann.smith"),
        ({"name": 7}, "17"),
        ({"name": "x" * 500}, "x" * 200),
    ],
)
def test_the_name_is_the_best_of_what_there_is(claims: Claims, name: str) -> None:
    assert profile_of({"sub": "17", **claims}).name == name


ODD: tuple[object, ...] = (
    *("false", "False", "FALSE", "yes", "no", "1", "0", "", " true", "truely"),
    *(None, 0, 1, -1, 1.0, 10**400, [], [True], ["true"], [[]], {}, {"a": 1}),
)
"""Values of `email_verified` that do not say that an address is verified."""


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "Ann@Example.com"}, "ann@example.com"),
        ({"email": "ann@example.com", "email_verified": True}, "ann@example.com"),
        ({"email": "ann@example.com", "email_verified": False}, None),
        *(
            ({"email": "ann@example.com", "email_verified": text}, "ann@example.com")
            for text in ("true", "True", "TRUE")
        ),
        *(({"email": "ann@example.com", "email_verified": odd}, None) for odd in ODD),
        ({"email": "ann"}, None),
        ({"email": ["ann@example.com"]}, None),
        ({}, None),
    ],
)
def test_an_address_is_taken_unless_it_may_be_somebody_elses(claims: Claims, email: str | None) -> None:
    assert profile_of({"sub": "17", **claims}).email == email


A, B = "a@example.com", "b@example.com"


@pytest.mark.parametrize(
    ("of_token", "of_user_info", "pair"),
    [
        ({}, {"email": B, "email_verified": True}, {"email": B, "email_verified": True}),
        ({"email": A, "email_verified": True}, {"email": B}, {"email": A, "email_verified": True}),
        (
            {"email": A, "email_verified": False},
            {"email": A, "email_verified": True},
            {"email": A, "email_verified": False},
        ),
        ({"email": A}, {"email": B, "email_verified": True}, {"email": A}),
        ({"email": A}, {"email_verified": True}, {"email": A}),
        # UserInfo alone says that the address of both is verified.
        ({"email": A}, {"email": A, "email_verified": True}, {"email": A, "email_verified": True}),
        ({"email_verified": True}, {"email": B, "email_verified": False}, {"email": B, "email_verified": False}),
        ({"email_verified": True}, {"email": B}, {"email": B}),
        ({"email": None, "email_verified": True}, {"email": B}, {"email": B}),
        ({"email_verified": True}, {}, {}),
    ],
)
def test_an_address_and_whether_it_is_verified_come_from_one_source(
    of_token: Claims, of_user_info: Claims, pair: Claims
) -> None:
    claims = joined_claims({"sub": "17", "name": "Ann", **of_token}, {"sub": "17", "name": "Ben", **of_user_info})
    assert claims == {"sub": "17", "name": "Ann", **pair}


@pytest.mark.parametrize(
    ("given", "handle"),
    [
        ("Ann.Smith", "ann.smith"),
        ("ann@example.com", "ann"),
        ("all", None),
        ("a", None),
        ("ann smith", None),
        (7, None),
    ],
)
def test_a_handle_is_taken_where_it_is_valid(given: object, handle: str | None) -> None:
    assert profile_of({"sub": "17", "preferred_username": given}).handle == handle


@pytest.mark.parametrize(
    ("given", "avatar"),
    [
        ("https://login.example.com/ann.png", "https://login.example.com/ann.png"),
        ("http://login.example.com/ann.png", None),
        ("/api/v1/files/1", None),
        ("javascript:alert(1)", None),
        ("https://login.example.com/" + "x" * 3000, None),
        (None, None),
    ],
)
def test_a_picture_is_taken_from_https_only(given: object, avatar: str | None) -> None:
    assert profile_of({"sub": "17", "picture": given}).avatar == avatar


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=5), children, max_size=2),
    max_leaves=4,
)
OPTIONAL = ("name", "given_name", "family_name", "preferred_username", "email", "email_verified", "picture")


@given(st.dictionaries(st.sampled_from(OPTIONAL), JSON), st.dictionaries(st.sampled_from(OPTIONAL), JSON))
def test_no_value_of_an_optional_claim_keeps_anybody_from_signing_in(of_token: Claims, of_user_info: Claims) -> None:
    profile = profile_of(joined_claims({"sub": "17", **of_token}, {"sub": "17", **of_user_info}))
    check_open(OpenProviderLogin("https://login.example.com", "17", profile, "hash", 1))


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"name": "\x00", "email": "\x00@example.com", "picture": "https://x/\x00", "preferred_username": "\x00"},
        {"name": {}, "given_name": [], "email": {}, "picture": 3, "preferred_username": None},
    ],
)
def test_no_claim_keeps_anybody_from_signing_in(claims: Claims) -> None:
    profile = profile_of({"sub": "17", **claims})
    assert isinstance(profile, ProviderProfile)
    check_open(OpenProviderLogin("https://login.example.com", "17", profile, "hash", 1))
