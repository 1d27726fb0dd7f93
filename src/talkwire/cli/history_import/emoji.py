"""Converts names of emoji to emoji: the names that Slack, Mattermost, GitHub and Rocket.Chat use."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_SKIN = re.compile(
    r":skin-tone-([2-6])|_tone([1-5])|_(light|medium_light|medium|medium_dark|dark)_skin_tone", re.IGNORECASE
)
_TONES = ("light", "medium_light", "medium", "medium_dark", "dark")
_FIRST_TONE = 0x1F3FB

_UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u2e80-\ud7ff\uff66-\uffdc"
"""Letters of scripts without spaces between words: Thai, Lao, Myanmar, Khmer, Chinese, Japanese and Korean."""

_BESIDE = rf"[^\W{_UNSPACED}]|[:\u0300-\u036f]"
_NAME = r":([a-z0-9_+'-]{1,60}):(?::?(skin-tone-[2-6]):)?"
_ONE = re.compile(_NAME, re.IGNORECASE)

_IN_TEXT = re.compile(rf"(?<!{_BESIDE})(?:{_NAME})+(?!{_BESIDE})", re.IGNORECASE)
"""Pattern of one or more names of emoji that touch each other, but no letter, digit or further colon, as those in
addresses do."""

_EMOJI_STYLE = "\ufe0f"


def emoji_named(name: str) -> str | None:
    """Returns the emoji with a name such as `thumbsup`, `wave::skin-tone-3` or `+1_light_skin_tone`. A name that is an
    emoji itself is returned unchanged.

    The name may be enclosed in colons. Returns None for an unknown name, such as that of a custom emoji.
    """
    name = name.strip(":").replace("::", ":")
    found = _table().get(name.lower())
    if found is not None:
        return found
    skin = _SKIN.search(name)
    if skin is None:
        return name if name and not name.isascii() else None
    base = _table().get((name[: skin.start()] + name[skin.end() :]).lower().strip(":"))
    return None if base is None else _toned(base, _tone_of(skin))


def _tone_of(skin: re.Match[str]) -> int:
    slack, joypixels, mattermost = skin.groups()
    if slack:
        return int(slack) - 2
    return int(joypixels) - 1 if joypixels else _TONES.index(mattermost.lower())


def _toned(base: str, tone: int) -> str:
    """Returns the emoji `base` (one person or hand) with a skin tone, from 0 (light) to 4 (dark), which is added after
    its first character."""
    first, rest = base[0], base[1:].removeprefix(_EMOJI_STYLE)
    return f"{first}{chr(_FIRST_TONE + tone)}{rest}"


def with_emoji(text: str) -> str:
    """Returns a text in which emoji replace their names between colons, such as `:thumbsup:`, unless these are beside
    a letter or digit, as in `2001:db8:100::1`. Unknown names stay."""

    def shown(match: re.Match[str]) -> str:
        found = [emoji_named(":".join(filter(None, each.groups()))) for each in _ONE.finditer(match[0])]
        return "".join(filter(None, found)) if all(found) else match[0]

    return _IN_TEXT.sub(shown, text) if ":" in text else text


@cache
def _table() -> dict[str, str]:
    """Returns the emoji by their names, read from `emoji_names.txt`."""
    lines = files(__package__).joinpath("emoji_names.txt").read_text(encoding="utf-8").splitlines()
    found: dict[str, str] = {}
    for line in lines:
        if not line.startswith("#"):
            emoji, *names = line.split(" ")
            found.update(dict.fromkeys(names, emoji))
    return found
