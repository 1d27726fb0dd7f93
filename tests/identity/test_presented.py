from __future__ import annotations

import pytest

from talkwire.identity.presented import presented_token

FORMS = ["T", "Bearer T", "bearer T", "BEARER  T ", "Bearer\tT", " T ", "T\n"]


@pytest.mark.parametrize("form", FORMS)
def test_a_token_has_the_same_forms_wherever_it_stands(form: str) -> None:
    assert presented_token(auth=form) == "T"
    assert presented_token(authorization=form) == "T"
    assert presented_token(query=form) == "T"


@pytest.mark.parametrize(
    ("auth", "authorization", "query", "token"),
    [
        ("A", "Bearer B", "C", "A"),
        ("", "Bearer B", "C", "B"),
        ("Bearer", "Bearer B", "C", "B"),
        (" ", "bearer", "C", "C"),
        ("", "B", "C", "C"),
        ("", "B", "Bearer", "B"),
        ("", "Basic dXNlcjpwdw==", None, None),
        ("", "Basic dXNlcjpwdw==", "C", "C"),
        ("", "Bearer", None, None),
        ("", "Bearer Bearer B", None, "Bearer B"),
        ("", " ", "", None),
        ("", None, None, None),
    ],
)
def test_the_first_place_with_a_token_counts(
    auth: str, authorization: str | None, query: str | None, token: str | None
) -> None:
    assert presented_token(auth=auth, authorization=authorization, query=query) == token
