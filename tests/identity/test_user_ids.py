from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.core.domain.model import is_valid_id
from talkwire.identity.user_ids import user_id_of


def mapped(user_id: str) -> str:
    return "h-" + sha256(user_id.encode()).hexdigest()[:32]


@pytest.mark.parametrize(
    "given_id",
    [
        "S//808E9UOiYKKAkagOBLGxvuLUbDCXlp8sZz6ilew8=",
        "https://idp.example.com/user/117",
        "DOMAIN/jane",
        "jane doe",
        "jane ",
        "a\u00a0b",
        "a\u2028b",
        "me",
        "online",
        "a" * 129,
        "é" * 255,
        "9" * 5000,
        mapped("DOMAIN/jane"),
    ],
)
def test_an_id_that_talkwire_cannot_have_is_mapped(given_id: str) -> None:
    assert user_id_of(given_id) == mapped(given_id)


def test_the_mapping_stays_as_it_is_since_back_ends_compute_it() -> None:
    assert user_id_of("DOMAIN/jane") == "h-036b94d2be3cb0f3599103ebafbba17a"


@pytest.mark.parametrize(
    "given_id", ["h-", "h-" + "a" * 31, "h-" + "a" * 33, "h-" + "A" * 32, "H-" + "a" * 32, "a|b=="]
)
def test_an_id_beside_the_form_of_mapped_ones_is_kept(given_id: str) -> None:
    assert user_id_of(given_id) == given_id


@given(st.text(), st.text())
@example("DOMAIN/jane", mapped("DOMAIN/jane"))
def test_two_users_never_share_an_id(one: str, other: str) -> None:
    ids = []
    for given_id in (one, other):
        try:
            ids.append(user_id_of(given_id))
        except ValueError:
            return
    assert all(map(is_valid_id, ids))
    assert (ids[0] == ids[1]) == (one == other)


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("\u3000", "is empty"),
        ("a\tb", "has control characters"),
        ("a/b\n", "has control characters"),
        ("a\x00b", "has control characters"),
        ("a\x85b", "has control characters"),
        ("a\udc80b", "has control characters"),
        ("8000000000000042", "is in the range"),
        (8000000000000043, "is in the range"),
        (None, "is neither a text nor a whole number"),
        (True, "is neither a text nor a whole number"),
        (1.5, "is neither a text nor a whole number"),
        (1e300, "is neither a text nor a whole number"),
        (["a"], "is neither a text nor a whole number"),
        ({"id": "a"}, "is neither a text nor a whole number"),
    ],
)
def test_an_id_that_names_nobody_is_refused(given_id: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        user_id_of(given_id)
