"""Writes the file of emoji names that `talkwire import` uses, from the web client's data (emojibase).

Run it with `python -m tools.emoji_names`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_DATA = _ROOT / "web/node_modules/emojibase-data/en"
TARGET = _ROOT / "src/talkwire/cli/history_import/emoji_names.txt"

_SETS = ("iamcal", "github", "joypixels")
"""Sets of names, by precedence. Slack and Mattermost use the first one, Rocket.Chat the last one."""

_TONES = {f"{tone:X}" for tone in range(0x1F3FB, 0x1F400)}
_EMOJI_STYLE = 1
_HEADER = "# Emoji and their names, from emojibase-data (MIT). Written by tools/emoji_names.py."


def main() -> None:
    TARGET.write_text(names_page(), encoding="utf-8")


def names_page() -> str:
    """Returns the content of the file of emoji names: on each line an emoji and its names."""
    emoji = {each["hexcode"]: _plain(each) for each in _read("data.json")}
    names: dict[str, str] = {}
    for name_set in _SETS:
        for hexcode, given in _read(f"shortcodes/{name_set}.json").items():
            if hexcode in emoji and not _TONES & set(hexcode.split("-")):
                for name in [given] if isinstance(given, str) else given:
                    names.setdefault(name, emoji[hexcode])
    by_emoji: dict[str, list[str]] = {}
    for name, shown in names.items():
        by_emoji.setdefault(shown, []).append(name)
    by_emoji["🙂"].append("simple_smile")  # a former name, which Slack's exports still have
    lines = [_HEADER, *(f"{shown} {' '.join(sorted(found))}" for shown, found in by_emoji.items())]
    return "\n".join(lines) + "\n"


def _plain(known: dict[str, Any]) -> str:
    """Returns an emoji without the variation selector U+FE0F if the emoji style is its default."""
    emoji: str = known["emoji"]
    return emoji[0] if known["type"] == _EMOJI_STYLE and emoji[1:] == "\ufe0f" else emoji


def _read(name: str) -> Any:  # noqa: ANN401 (JSON)
    return json.loads((_DATA / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
