"""What a page says about itself."""

from __future__ import annotations

import pytest

from talkwire.previews.page import URL_MAX, LinkedPage, page_of

URL = "https://talkwire.org/folder/page"


def test_open_graph_says_more_than_the_title() -> None:
    body = b"""<!doctype html><html><head><title>Title</title>
    <meta property="og:title" content="A &amp; B"><meta property="og:description" content="Two
      lines"><meta property="og:site_name" content="Site"><meta property="og:image" content="/a.png"></head>"""
    assert page_of(body, None, URL) == LinkedPage("A & B", "Two lines", "Site", "https://talkwire.org/a.png")


def test_a_plain_page_has_a_title_and_a_description() -> None:
    body = b"<title> Plain </title><meta name=Description content='What it is'>"
    assert page_of(body, "utf-8", URL) == LinkedPage("Plain", "What it is")


@pytest.mark.parametrize("body", [b"", b"<p>text", b"<title>  </title>", b"\xff\xfe\0", b"<meta property='og:title'>"])
def test_a_page_without_a_title_has_no_preview(body: bytes) -> None:
    assert page_of(body, None, URL) is None


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<title>Gr\u00fc\u00dfe</title>".encode(), None),
        ("<title>Gr\u00fc\u00dfe</title>".encode("latin-1"), "iso-8859-1"),
        ("<meta charset='latin1'><title>Gr\u00fc\u00dfe</title>".encode("latin-1"), None),
        ("<title>Gr\u00fc\u00dfe</title>".encode(), "no-such-charset"),
        ("<title>Gr\u00fc\u00dfe</title>".encode(), "hex"),
    ],
)
def test_a_page_is_read_in_its_encoding(body: bytes, charset: str | None) -> None:
    page = page_of(body, charset, URL)
    assert page is not None
    assert page.title == "Gr\u00fc\u00dfe"


def test_texts_are_one_line_without_control_characters_and_not_endless() -> None:
    body = f"<title>a\0b\u202egpj.exe</title><meta name=description content='{'x' * 50_000}'>".encode()
    page = page_of(body, None, URL)
    assert page is not None
    assert "\u202e" not in page.title
    assert "\0" not in page.title
    assert len(page.description or "") <= URL_MAX


@pytest.mark.parametrize(
    "image", ["javascript:alert(1)", "data:image/png;base64,AAAA", "file:///etc/passwd", "http://["]
)
def test_a_picture_at_another_kind_of_address_is_left_out(image: str) -> None:
    page = page_of(f"<title>a</title><meta property=og:image content='{image}'>".encode(), None, URL)
    assert page == LinkedPage("a")


def test_hostile_markup_does_no_harm() -> None:
    for body in (b"<" * 200_000, b"<!--" * 50_000, b"<title>" * 30_000, b"<meta " * 40_000, b"<div>" * 40_000):
        page_of(body, None, URL)
