"""Whatever a page says, reading it takes time in proportion to its size, and ends without an error."""

from __future__ import annotations

import pytest
import webencodings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talkwire.previews.charset import charset_of, decoded
from talkwire.previews.fetching import WEB_PAGE_MAX_BYTES
from talkwire.previews.page import PageReading, read_page
from tests.processor_time import at_most
from tests.repetition import repetitions

URL = "https://talkwire.org/page"
SIZES = (64 * 1024, 256 * 1024)

SIGNS = (
    *"<>/=\"'&;!?-#x[]() \0\n\u20ac",
    *("<!--", "-->", "--!>", "<![CDATA[", "]]>", "</", "<a", "<a ", "<a b=", "<b 1>", "&#", "&#x", "&amp", "&lt;"),
    *(
        "<title>",
        "</title>",
        "<meta ",
        "content=",
        "name=",
        "property=og:title ",
        "<base href=",
        "charset=",
        "http-equiv=",
    ),
    *(
        "<script>",
        "<!--<script>",
        "</script",
        "<style>",
        "<svg>",
        "</svg>",
        "<template>",
        "</template>",
        "<?xml encoding=",
    ),
)
STARTS = ("", "<title>", "<script>", "<script><!--", "<!--", "<a ", "<meta content='", "<svg>", "<svg><![CDATA[", "&#")
LABELS = sorted(set(webencodings.LABELS.values()))

pages = st.builds(
    lambda start, signs, size: (start + "".join(signs) * size)[:size],
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(SIGNS), min_size=1, max_size=3),
    st.sampled_from(SIZES),
)


@settings(max_examples=repetitions(400, usual=16))
@given(pages)
@example("<title>" + "&#" + "9" * SIZES[1])
def test_a_page_of_a_few_repeated_signs_is_read(page: str) -> None:
    assert isinstance(read_page(page.encode(), "text/html", URL), PageReading)


@settings(max_examples=repetitions(400, usual=16))
@given(st.sampled_from(LABELS), st.binary(min_size=1, max_size=3), st.sampled_from(SIZES))
def test_a_few_repeated_bytes_are_decoded_in_every_charset(label: str, unit: bytes, size: int) -> None:
    assert len(decoded((unit * size)[:size], label)) <= size


@settings(max_examples=repetitions(400, usual=16))
@given(
    st.lists(
        st.sampled_from([*';="\\ *\t,/\0\xff', "charset", "charset=", "charset*=", "charset*0*=", "a=", '="']),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(SIZES),
)
def test_a_header_of_a_few_repeated_signs_is_read(signs: list[str], size: int) -> None:
    header = ("text/html;" + "".join(signs) * size)[:size]
    assert len(charset_of(header) or "") < size


@settings(max_examples=repetitions(2000, usual=20))
@given(st.binary(max_size=300), st.text(max_size=100), st.text(max_size=100))
def test_any_page_with_any_header_is_read(body: bytes, header: str, href: str) -> None:
    page = b"<title>a</title><base href='" + href.encode("utf-8", "replace") + b"'>" + body
    reading = read_page(page, f"text/html;{header}", URL)
    assert reading.page is None or reading.page.title


@pytest.mark.parametrize("sign", SIGNS)
def test_reading_a_page_takes_time_in_proportion_to_its_size(sign: str) -> None:
    """The processor has three seconds for a page, which are 1.4 µs for each byte."""
    for start in STARTS:
        with at_most(3):
            read_page((start + sign * WEB_PAGE_MAX_BYTES).encode()[:WEB_PAGE_MAX_BYTES], "text/html", URL)


@pytest.mark.parametrize("label", LABELS)
def test_decoding_takes_time_in_proportion_to_the_size(label: str) -> None:
    for unit in (b"\x80", b"\xff", b"\x1b$", b"\x81\x30", b"a\xd8", b"\xed\xa0\x80", b"99999-a"):
        with at_most(1.5):
            decoded((unit * WEB_PAGE_MAX_BYTES)[:WEB_PAGE_MAX_BYTES], label)
