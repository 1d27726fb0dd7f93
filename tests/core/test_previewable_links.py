"""Which links of a text the server may fetch."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.core.features.messages.previewable_links import (
    CANDIDATES_MAX,
    LINKS_MAX,
    is_fetchable_picture,
    is_previewable,
    links_in,
    previewable_links,
)


@pytest.mark.parametrize(
    ("content", "links"),
    [
        ("See https://talkwire.org/a.", ("https://talkwire.org/a",)),
        ("(https://talkwire.org/a_(b))", ("https://talkwire.org/a_(b)",)),
        (
            "[here](https://talkwire.org/a) and **https://talkwire.org/b**",
            ("https://talkwire.org/a", "https://talkwire.org/b"),
        ),
        ("https://talkwire.org/a#part https://talkwire.org/a", ("https://talkwire.org/a",)),
        ("<https://talkwire.org/a>", ()),
        ("`https://talkwire.org/a`", ()),
        ("```\nhttps://talkwire.org/a\n```", ()),
        ("xhttps://talkwire.org/a", ()),
        ("ftp://talkwire.org/a", ()),
        ("nothing", ()),
    ],
)
def test_links_are_found_as_they_are_written(content: str, links: tuple[str, ...]) -> None:
    assert previewable_links(content) == links


def _end_by_definition(link: str) -> str:
    """The text before the first bracket that it does not open, without the punctuation at its end."""
    ends = [end for end in range(len(link)) if link[: end + 1].count(")") > link[: end + 1].count("(")]
    return link[: min(ends, default=len(link))].partition("]")[0].rstrip(".,(")


@given(st.text("a().,]", max_size=12))
@example("(()).)).")
@example("((a).).)")
def test_a_link_ends_before_punctuation_and_parentheses_that_it_does_not_open(end: str) -> None:
    link = f"https://a.example/{end}"
    assert links_in(f"{link} b") == (_end_by_definition(link),)


@pytest.mark.parametrize(
    ("rest", "is_listed"),
    [
        (")" * 60_000, True),
        ("." * 60_000, True),
        ("a" * 60_000, False),
        (")" * 3000 + "a", True),
        ("(" * 3000 + "a", False),
        ("a" * 1000, True),
    ],
)
def test_only_what_belongs_to_a_link_makes_it_too_long_for_the_list(rest: str, is_listed: bool) -> None:  # noqa: FBT001
    assert bool(links_in(f"https://a.example/{rest}")) is is_listed


def test_only_the_first_links_of_a_message_are_examined() -> None:
    refused = [f"http://talkwire.org/{number}" for number in range(CANDIDATES_MAX)]
    assert previewable_links(" ".join([*refused[1:], "https://talkwire.org/a"])) == ("https://talkwire.org/a",)
    assert previewable_links(" ".join([*refused, "https://talkwire.org/a"])) == ()


def test_a_message_has_only_some_previews() -> None:
    content = " ".join(f"https://talkwire.org/{number}" for number in range(10))
    assert len(previewable_links(content)) == LINKS_MAX


@pytest.mark.parametrize(
    "link",
    [
        "https://en.wikipedia.org/wiki/Instant_messaging",
        "https://www.example-shop.com/a-very-long-title-of-an-article-with-many-words-2026.html",
        "https://youtu.be/dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42",
        "https://github.com/python/cpython/issues/123456",
        "https://cs.wikipedia.org/wiki/Rak_(souhv\u011bzd\u00ed)",
        "https://\u043f\u0440\u0438\u043c\u0435\u0440.\u0441\u0440\u0431/\u0421\u0442\u0440\u0430\u043d\u0438\u0446\u0430?q=k\u00f6ln",
        "https://news.site.org/2026/11/22/something-happened-in-a-town?page=2",
    ],
)
def test_links_to_public_pages_are_fetched(link: str) -> None:
    assert is_previewable(link)


@pytest.mark.parametrize(
    "link",
    [
        "http://talkwire.org/",
        "https://user:password@talkwire.org/",
        "https://user@talkwire.org/",
        "https://talkwire.org:8443/",
        "https://talkwire.org:99999/",
        "https://localhost/",
        "https://intranet/",
        "https://wiki.corp/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://10.0.0.1./",
        "https://talkwire.org/reset?token=abc",
        "https://talkwire.org/a?X-Amz-Signature=abc",
        "https://talkwire.org/a?sig=abc",
        "https://talkwire.org/a?access_token=abc",
        "https://talkwire.org/invite/abc",
        "https://talkwire.org/newsletter/unsubscribe",
        "https://talkwire.org/account/verify-email",
        "https://docs.google.com/document/d/1aB2cD3eF4gH5iJ6kL7mN8oP9qR0sT1uV2wX3yZ4aB5c/edit",
        "https://talkwire.org/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "https://talkwire.org/file/550e8400-e29b-41d4-a716-446655440000",
        "https://talkwire.org/a?u=eyJhbGciOiJIUzI1NiJ9abcdefgh",
        "https://talkwire.org/" + "a" * 1000,
        "https://127\u30020\u30020\u30021/",
        "https://wiki\uff0ecorp/",
        "https://" + "\u00fc" * 100 + ".org/",
        "https://a..org/",
    ],
)
def test_links_that_are_private_or_grant_something_are_not_fetched(link: str) -> None:
    assert not is_previewable(link)


def test_an_operator_may_allow_links_into_private_networks() -> None:
    assert is_previewable("http://10.0.0.1:8080/wiki", private=True)
    assert is_previewable("http://wiki.corp/", private=True)
    assert not is_previewable("http://user@wiki.corp/", private=True)
    assert not is_previewable("http://wiki.corp/?token=abc", private=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://opengraph.githubassets.com/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/a/b",
        "https://cdn.talkwire.org/share/invite.png",
        "https://cdn.talkwire.org/a.png?v=0123456789abcdef0123456789abcdef&width=1200",
    ],
)
def test_a_picture_may_have_any_name(url: str) -> None:
    assert is_fetchable_picture(url)
    assert not is_previewable(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://talkwire.org/a.png",
        "https://talkwire.org:8443/a.png",
        "https://user@talkwire.org/a.png",
        "https://93.184.216.34/a.png",
        "https://[2606:2800:220:1::1]/a.png",
        "https://wiki.internal/a.png",
        "https://talkwire.org/a.png?token=1",
        "https://talkwire.org/a.png?X-Amz-Signature=1",
        "https://talkwire.org/" + "a" * 1000,
        "https://[",
    ],
)
def test_a_picture_is_fetched_from_public_addresses_and_without_a_secret(url: str) -> None:
    assert not is_fetchable_picture(url)


def test_a_picture_of_a_private_network_may_be_at_any_of_its_addresses() -> None:
    assert is_fetchable_picture("http://10.0.0.1:8080/a.png", private=True)
    assert not is_fetchable_picture("http://10.0.0.1:8080/a.png?token=1", private=True)
