"""Base64 in the alphabet of addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import binary

from talkwire.core.domain.base64url import from_any_base64, from_base64url, to_base64url


@given(binary(max_size=70))
def test_every_bytes_are_read_back_from_their_text(data: bytes) -> None:
    text = to_base64url(data)
    assert from_base64url(text.encode()) == from_any_base64(text) == data


def test_a_text_has_the_letters_of_addresses_and_no_padding() -> None:
    assert to_base64url(b"\xfb\xff") == "-_8"


@pytest.mark.parametrize(
    "text", [b"AA==", b"+A", b"A/", b"AR", b"AAF", b"A", b"A A", b"AA\n", b"A!", "é".encode(), b"AAA="]
)
def test_a_text_that_no_writer_of_base64url_writes_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_base64url(text)


@pytest.mark.parametrize("text", ["-_8", "+/8", "-_8=", " +/8=\n"])
def test_a_key_is_read_in_each_form_of_base64(text: str) -> None:
    assert from_any_base64(text) == b"\xfb\xff"


@pytest.mark.parametrize("text", ["A", "A!AA", "A AA", "é"])
def test_a_key_in_no_form_of_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_any_base64(text)
