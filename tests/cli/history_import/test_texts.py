"""Markup and emoji of other systems, as they are written here."""

from __future__ import annotations

import itertools

import pytest

from talkwire.cli.history_import.emoji import emoji_named
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.source import SourceUser
from talkwire.cli.history_import.texts import (
    Converter,
    from_mattermost,
    from_rocketchat,
    from_slack,
    pieces,
)


@pytest.fixture
def people() -> People:
    people = People("slack", "source")
    people.add(SourceUser("U1", "Ann Smith", "ann"))
    people.add(SourceUser("U2", "Sam", "sam.one"))
    people.add(SourceUser("U3", "sam", "!"))
    return people


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold* _it_ ~gone~", "**bold** _it_ ~~gone~~"),
        ("2*3*4 a~b~c * not * ~ nor ~", "2*3*4 a~b~c * not * ~ nor ~"),
        ("<@U1> <@U2> <@U3> <@U9|guest> <@U8>", "@Ann Smith @sam.one @U3 @guest @U8"),
        ("<#C1|general> <!here> <!channel> <!subteam^S1|@devs>", "#general @here @all @devs"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<https://a.example/x_y_*z*>", "https://a.example/x_y_*z*"),
        ("<https://a.example/?a=1&amp;b=2|*label* [x]>", "[*label* (x)](https://a.example/?a=1&b=2)"),
        ("<https://a.example|a.example> <mailto:a@b.example|a@b.example>", "https://a.example a@b.example"),
        ("`*x* &lt;b&gt; <https://a.example|l>` *y*", "`*x* <b> https://a.example` **y**"),
        ("```a *b*\n:tada:```", "```\na *b*\n:tada:\n```"),
        ("see ```x``` and ```y```", "see \n```\nx\n```\n and \n```\ny\n```"),
        ("*<https://a.example|link> and `code`*", "**[link](https://a.example) and `code`**"),
        ("&amp;lt; &lt;script&gt;", "&lt; <script>"),
        ("x\x000\x00y", "x0y"),
        ("1 &lt; 2 <not closed", "1 < 2 <not closed"),
        (":tada: :wave::skin-tone-2: :unknown_one: 10:30:45", "🎉 👋🏻 :unknown_one: 10:30:45"),
    ],
)
def test_texts_of_slack(people: People, text: str, expected: str) -> None:
    assert from_slack(text, people) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold* **bold** ~gone~ ~~gone~~", "**bold** **bold** ~~gone~~ ~~gone~~"),
        ("@ann, @ann. @nobody a@ann.example @all", "@Ann Smith, @Ann Smith. @nobody a@ann.example @all"),
        (
            "`@ann` https://a.example/@ann/*x* [@ann](https://a.example/*)",
            "`@ann` https://a.example/@ann/*x* [@ann](https://a.example/*)",
        ),
    ],
)
def test_texts_of_rocketchat(people: People, text: str, expected: str) -> None:
    assert from_rocketchat(text, people) == expected


NESTINGS = [order for count in (1, 2, 3) for order in itertools.permutations("*_~", count)]


@pytest.mark.parametrize("convert", [from_slack, from_rocketchat])
@pytest.mark.parametrize("words", ["x", "several words", "a, b.", "é", "太字", "(x)", "1"])
def test_styles_within_each_other_are_all_kept(people: People, convert: Converter, words: str) -> None:
    markdown = {"*": "**", "_": "_", "~": "~~"}
    for order in NESTINGS:
        written = f"{''.join(order)}{words}{''.join(reversed(order))}"
        expected = "".join(map(markdown.__getitem__, order))
        expected = f"{expected}{words}{''.join(map(markdown.__getitem__, reversed(order)))}"
        for before, behind in [
            ("", ""),
            ("a ", " b"),
            ("(", ")"),
            ("“", "”!"),
            ("- ", ", c"),
            ("a\n", "\nb"),
            ("", " *"),
        ]:
            assert convert(f"{before}{written}{behind}", people) == f"{before}{expected}{behind}"


@pytest.mark.parametrize("convert", [from_slack, from_rocketchat])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*one* *two*", "**one** **two**"),
        ("*one _two_ three*", "**one _two_ three**"),
        ("_one *two* three_", "_one **two** three_"),
        ("*_one_ two* ~three _four_~", "**_one_ two** ~~three _four_~~"),
        ("a_*b*_c a*_b_*c 2*_3_*4 a_~b~_c", "a_*b*_c a*_b_*c 2*_3_*4 a_~b~_c"),
        ("_*x*_y x_*y*_", "_*x*_y x_*y*_"),
        ("_* x*_ _*x *_ ** __*x", "_* x*_ _*x *_ ** __*x"),
        ("snake_case*x* `_*x*_`", "snake_case*x* `_*x*_`"),
    ],
)
def test_styles_beside_others_and_within_words(people: People, convert: Converter, text: str, expected: str) -> None:
    assert convert(text, people) == expected


@pytest.mark.parametrize("address", ["ann/b@example.com", "a" * 128 + "@example.com"])
def test_an_address_that_cannot_be_an_id_becomes_none(address: str) -> None:
    """Another address could become the same id, and a user with this id may exist on the server."""
    people = People("slack", "email")
    people.add(SourceUser("U1", "Ann", email=address))
    people.add(SourceUser("U2", "Ben", email="ben@example.com"))
    assert [people.id_of(key) for key in ("U1", "U2")] == ["U1", "ben@example.com"]


def test_texts_of_mattermost_are_markdown(people: People) -> None:
    assert from_mattermost("*it* **b** @ann @channel ```\n@ann\n``` :+1:", people) == (
        "*it* **b** @Ann Smith @all ```\n@ann\n``` 👍"
    )


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("thumbsup", "👍"),
        (":+1:", "👍"),
        ("heart", "❤️"),
        ("flag-de", "🇩🇪"),
        ("+1::skin-tone-6", "👍🏿"),
        ("+1_medium_light_skin_tone", "👍🏼"),
        ("raised_hand_tone3", "✋🏽"),
        ("man-shrugging::skin-tone-2", "🤷🏻\u200d♂️"),
        ("point_up::skin-tone-2", "☝🏻"),
        ("🎉", "🎉"),
        ("party_parrot", None),
        ("", None),
    ],
)
def test_emoji_by_their_names(name: str, emoji: str | None) -> None:
    assert emoji_named(name) == emoji


CONVERTERS = [from_slack, from_rocketchat, from_mattermost]

WITH_COLONS = [
    *(
        "2001:db8:100::1",
        "2001:db8:1234:abcd::/64",
        "fe80::a:b%eth0",
        "::a:b:c",
        "[::x:100:1]:443",
        "02:de:ad:10:20:30",
    ),
    *(
        "root:x:0:0:root:/root:/bin/sh",
        "x:x:x",
        "ns::a::b",
        "std::x::a",
        "::a::",
        ":::a:::",
        "ratio 1:100:1",
        "12:100:00",
    ),
    *(
        "a:b:c",
        "key:x:",
        ":x:key",
        "urn:a:b",
        "ключ:x:0",
        "é:a:b",
        "1:a:",
        ":a:1",
        "x_:a:_x",
        "at 10:x:30",
        ":x",
        "x:",
        "::",
        ":",
    ),
    *("http://a.example:80/ ::: :", ":no_such_name:", ": x :", ":x :", "(a:x:b)", "a:x: b", "a :x:b", ":a:b:x:"),
]
"""Addresses, lines and names that have the names of emoji (`100`, `x`, `a`, `b`, `de`, `ad`) between colons."""


@pytest.mark.parametrize("convert", CONVERTERS)
@pytest.mark.parametrize("text", WITH_COLONS)
def test_colons_beside_letters_digits_and_colons_make_no_emoji(people: People, convert: Converter, text: str) -> None:
    assert convert(text, people) == text
    assert convert(f"see {text}, and", people) == f"see {text}, and"


@pytest.mark.parametrize("convert", CONVERTERS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            (":tada:", "🎉"),
            ("(:tada:)", "(🎉)"),
            ("so :tada:!", "so 🎉!"),
            ("\n:tada:\n", "\n🎉\n"),
            ("/:tada:-", "/🎉-"),
        ),
        (":tada: :+1: :x:", "🎉 👍 ❌"),
        # Emoji that touch each other, and letters of scripts without spaces.
        *((":tada::+1:", "🎉👍"), (":tada::no_such_name:", ":tada::no_such_name:"), ("お疲れ:tada:様", "お疲れ🎉様")),
        (":wave::skin-tone-2::tada:", "👋🏻🎉"),
        (":100:", "💯"),
    ],
)
def test_names_of_emoji_that_stand_alone_become_emoji(
    people: People, convert: Converter, text: str, expected: str
) -> None:
    assert convert(text, people) == expected


@pytest.mark.parametrize(
    ("convert", "code"),
    [
        *((each, "`:tada:`") for each in CONVERTERS),
        *((each, "```\n:tada:\n```") for each in CONVERTERS),
        *((from_mattermost, each) for each in ("~~~\n:tada: ``` x\n~~~", "````\n```\n:tada:\n````", "~~~ sh\n:tada:")),
        *(
            (from_mattermost, each)
            for each in ("`` `:tada: ``", "a\n\n    :tada:\n\tx", "\t:tada:", "```\n:tada:\nopen")
        ),
    ],
)
def test_code_has_no_emoji(people: People, convert: Converter, code: str) -> None:
    assert convert(code, people) == code


def test_long_texts_are_cut_between_words() -> None:
    text = "zwölf " * 10
    found = pieces(text, 20)
    assert "".join(found) == text
    assert all(len(each.encode()) <= 20 and each.endswith(" ") for each in found[:-1])
    assert pieces("ö" * 15, 7) == ["ööö"] * 5
    assert pieces("नमस्ते दुनिया", 30) == ["नमस्ते ", "दुनिया"]  # most of the first 30 bytes are before the space


def test_names_are_imported_without_what_nobody_sees() -> None:
    people = People("slack", "source")
    shown = {"U1": "Eve\u202e", "U2": "\u3164", "U3": "\u0645\u06cc\u200c\u0634\u0648\u062f", "U4": "Ann \n Lee"}
    for key, name in shown.items():
        people.add(SourceUser(key, name))
    assert [user.name for _, user in people] == ["Eve", "U2", shown["U3"], "Ann Lee"]
    assert people.mended_names == 2
