"""What a page says about itself."""

from __future__ import annotations

import pytest

from talkwire.previews.page import PREVIEW_TEXT_MAX_LENGTH, LinkedPage, read_page
from tests.previews.real_pages import ORIGIN, PAGES, RealPage

URL = "https://talkwire.org/folder/page"


def page_of(body: bytes, content_type: str = "text/html") -> LinkedPage | None:
    return read_page(body, content_type, URL).page


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_is_read_as_a_browser_reads_it(page: RealPage) -> None:
    assert read_page(page.body, page.content_type, f"{ORIGIN}/folder/page").page == page.shown


def test_open_graph_says_more_than_the_title() -> None:
    body = b"""<!doctype html><html><head><title>Title</title>
    <meta property="og:title" content="A &amp; B"><meta property="og:description" content="Two
      lines"><meta property="og:site_name" content="Site"><meta property="og:image" content="/a.png"></head>"""
    assert page_of(body) == LinkedPage("A & B", "Two lines", "Site", "https://talkwire.org/a.png")


@pytest.mark.parametrize("body", [b"", b"<p>text", b"<title>  </title>", b"\xff\xfe\0", b"<meta property='og:title'>"])
def test_a_page_without_a_title_has_no_preview(body: bytes) -> None:
    assert page_of(body) is None


def test_texts_are_one_line_without_control_characters_and_not_endless() -> None:
    body = f"<title>a\0b\u202egpj.exe</title><meta name=description content='{'x' * 50_000}'>".encode()
    page = page_of(body)
    assert page is not None
    assert "\u202e" not in page.title
    assert "\0" not in page.title
    assert len(page.description or "") <= PREVIEW_TEXT_MAX_LENGTH


@pytest.mark.parametrize("text", ["&#" + "9" * 5000 + ";", "&#x" + "f" * 5000 + ";", "&#xd800;", "&#0;"])
def test_a_number_that_is_no_character_does_no_harm(text: str) -> None:
    page = page_of(f"<title>a{text}</title><meta name=description content='b{text}'>".encode())
    assert page is not None
    assert page.title.isprintable()
    assert page.title.startswith("a")


@pytest.mark.parametrize(
    "image",
    ["javascript:alert(1)", "data:image/png;base64,AAAA", "file:///etc/passwd", "http://[", "//[::1", "/" * 3000],
)
def test_a_picture_at_another_kind_of_address_is_left_out(image: str) -> None:
    page = page_of(f"<title>a</title><meta property=og:image content='{image}'>".encode())
    assert page == LinkedPage("a")


@pytest.mark.parametrize("base", ["javascript:1", "data:text/html,a", "http://[", ""])
def test_a_base_that_is_no_address_of_a_page_does_not_count(base: str) -> None:
    page = page_of(f"<base href='{base}'><title>a</title><meta property=og:image content=b.png>".encode())
    assert page == LinkedPage("a", image_url="https://talkwire.org/folder/b.png")


@pytest.mark.parametrize(
    "rest",
    [
        "<body>",
        "<frameset>",
        "</html>",
        "text",
        "<p>",
        "<meta name=description content=b><meta property=og:site_name content=c><meta property=og:image content=d>",
    ],
)
def test_a_page_is_complete_with_the_end_of_its_head_or_all_that_is_shown(rest: str) -> None:
    assert read_page(f"<meta property=og:title content=a>{rest}".encode(), "text/html", URL).is_complete


@pytest.mark.parametrize(
    "rest", ["", "</head> ", "<script>", "<!-- <body>", "<template><p>text", "<link", "<noscript><p>"]
)
def test_a_page_whose_head_may_continue_is_not_complete(rest: str) -> None:
    assert not read_page(f"<meta property=og:title content=a>{rest}".encode(), "text/html", URL).is_complete
