"""Users that a text mentions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.mentions import AT_SIGNS_MAX, MENTIONS_MAX, Mentions, mention_marks, resolve, spellings

MEMBERS = {
    "alice": "Alice",
    "bob": "Bob",
    "user-123": "Ann",
    "user-9": "Ann Smith",
    "other": "Ann",
    "o'brien": "Miles O'Brien",
    "tanaka": "\u7530\u4e2d\u3055\u3093",
    "stra\u00dfe": "Stra\u00dfe",
    "m-l": "Anne-Marie",
}


def _named(text: str) -> Mentions:
    marks = mention_marks(text)
    found: dict[str, list[str]] = {}
    for spelling in spellings(marks):
        for user_id, name in MEMBERS.items():
            if spelling in {name.casefold(), user_id}:
                found.setdefault(spelling, []).append(user_id)
    return resolve(marks, found)


@pytest.mark.parametrize(
    ("text", "user_ids"),
    [
        ("@alice", ("alice",)),
        ("Hi @Alice!", ("alice",)),
        ("(@ALICE)", ("alice",)),
        ("@alice, @bob: look", ("alice", "bob")),
        ("@bob @alice @bob", ("bob", "alice")),
        ("@ann", ("user-123", "other")),
        ("@Ann Smith", ("user-9",)),
        ("@ann smith's idea", ("user-9",)),
        ("@ann smithson", ("user-123", "other")),
        ("@user-123.", ("user-123",)),
        ("@Miles O'Brien?", ("o'brien",)),
        ("cc:@\u7530\u4e2d\u3055\u3093 \u3053\u3093", ("tanaka",)),
        ("@STRASSE", ("stra\u00dfe",)),
        ("@Anne-Marie", ("m-l",)),
        ("say `x` to @bob and `y`", ("bob",)),
        ("an ` alone @bob", ("bob",)),
        ("@nobody", ()),
        ("@alicent", ()),
        ("@alice-x", ()),
        ("@alice@example.com", ()),
        ("x@alice", ()),
        ("mail bob@alice.com", ()),
        ("@@alice", ()),
        ("@ alice", ()),
        ("https://example.com/@alice", ()),
        ("see https://example.com/x?to=,@alice", ()),
        ("www.example.com/,@alice", ()),
        ("`@alice`", ()),
        ("```\n@alice `\n```", ()),
        ("@\nalice", ()),
        ("@ann\nsmith", ("user-123", "other")),
        ("", ()),
        ("@", ()),
    ],
)
def test_a_text_names_members(text: str, user_ids: tuple[str, ...]) -> None:
    assert _named(text) == Mentions(user_ids)


@pytest.mark.parametrize(
    ("text", "everyone"),
    [("@all", True), ("Hi @ALL.", True), ("@allan", False), ("@all-hands", False), ("`@all`", False), ("a@all", False)],
)
def test_a_text_names_everyone(text: str, everyone: bool) -> None:  # noqa: FBT001 (a table's column)
    assert _named(text) == Mentions((), everyone)


@pytest.mark.parametrize(("content", "is_plain"), [("hi bob", True), ("hi @bob", False), ("hi \uff20bob", False)])
def test_a_message_with_an_at_sign_is_not_stored_without_looking_for_members(content: str, is_plain: bool) -> None:  # noqa: FBT001
    assert SendMessage("room", content).is_plain is is_plain


def test_everyone_and_somebody_can_be_named_together() -> None:
    assert _named("@all and @bob") == Mentions(("bob",), everyone=True)


def test_a_member_whose_name_starts_with_all_is_mentioned_alone() -> None:
    marks = mention_marks("@All Stars")
    assert resolve(marks, {"all stars": ["s"]}) == Mentions(("s",))


def test_a_text_names_a_limited_number() -> None:
    assert len(mention_marks("@a " * 1000)) == AT_SIGNS_MAX
    assert len(resolve(mention_marks("@a"), {"a": [str(number) for number in range(1000)]}).user_ids) == MENTIONS_MAX


_pieces = st.lists(
    st.sampled_from(
        ["@", "@alice", "@Ann Smith", "@all", "`", "```", "https://", "www.", " ", "\n", "a", "-", ".", "\u00df"]
    )
    | st.text(max_size=3)
)
_texts = _pieces.map("".join)


@given(_texts)
def test_every_found_mention_follows_an_at_sign_in_the_text(text: str) -> None:
    for mark in mention_marks(text):
        for longer, shorter in zip(mark.spellings, mark.spellings[1:], strict=False):
            assert longer.startswith(shorter)
            assert len(longer) > len(shorter)
        for spelling in mark.spellings:
            assert f"@{spelling}" in text
            assert spelling == spelling.strip()


@given(_texts, st.sampled_from(["alice", "Ann Smith", "user-123"]))
def test_a_name_on_a_line_of_its_own_is_found_after_any_text_without_backticks(text: str, name: str) -> None:
    before = text.replace("`", "").replace("@", "")
    assert any(name in mark.spellings for mark in mention_marks(f"{before}\n@{name}\n"))


@given(_texts)
def test_names_in_code_are_not_mentions(text: str) -> None:
    assert mention_marks(f"``{text.replace('`', '')}@alice``") == ()


@given(_texts)
def test_names_are_found_without_regard_to_case(text: str) -> None:
    marks = mention_marks(text)
    assert {spelling.casefold() for mark in marks for spelling in mark.spellings} <= spellings(marks)


@pytest.mark.parametrize("piece", ["`", "`a", "``a`", "@", "@a ", "a.", "a-", "://", "www.", "@`", "@ann "])
def test_a_long_text_of_anything_is_read_in_steps_in_proportion_to_it(piece: str) -> None:
    """A backtracking regular expression would not finish here."""
    assert len(mention_marks(piece * 20_000 + " @x")) <= AT_SIGNS_MAX
