"""The names of emoji that `talkwire import` knows are those of the data that the web client is built with."""

from __future__ import annotations

from tools.emoji_names import TARGET, names_page


def test_the_names_are_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == names_page(), "run python -m tools.emoji_names"
