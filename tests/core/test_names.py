"""Names that people see."""

from __future__ import annotations

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.names import direction_mark_in, display_name, is_visible, without_direction_marks
from talkwire.core.domain.texts import check_name
from talkwire.core.features.messages.files import file_name

INVISIBLE = [
    *("", " ", "\u00a0", "\u200c\u200c", "\u200b", "\ufeff", "\u00ad", "\u2060", "\u180e", "\u3164", "\uffa0"),
    *("\u115f\u1160", "\u2800", "\u2063", "\ufe0f", "\U000e0100", "\U000e0041", "\u034f", "\u0301\u0302", "\u20dd"),
    *("\u17b4", "\u2065", "\ufff3", "\U0001d173", "\U0001d159", "\u202e", "\x7f", " \t\u2028"),
]
VISIBLE = [
    *(
        "a",
        "7",
        "\u00e9",
        "e\u0301",
        "\u6771\u4eac",
        "\u0645\u06cc\u200c\u0634\u0648\u062f",
        "\u0915\u094d\u200d\u0937",
    ),
    *("\u2764\ufe0f", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "1\ufe0f\u20e3", "!", "..."),
    *("\U0001f3f4\U000e0067\U000e007f", "\U0001faf9", "\ue000", "\u200c.\u200c"),
]
DIRECTIONS = [chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_name_that_nobody_can_see_is_refused(name: str) -> None:
    assert not is_visible(name)
    with pytest.raises(ChatError, match=r"^name: must "):
        check_name("name", name)
    assert display_name(name, 200) is None
    assert file_name(f"{name}.") == "file"


@pytest.mark.parametrize("name", VISIBLE)
def test_a_name_keeps_what_its_script_and_its_emoji_need(name: str) -> None:
    check_name("name", name)
    assert display_name(name, 200) == name


@pytest.mark.parametrize("mark", DIRECTIONS)
def test_a_name_changes_no_writing_direction(mark: str) -> None:
    with pytest.raises(ChatError, match=rf"name: must not contain U\+{ord(mark):04X}, which changes"):
        check_name("name", f"Eve{mark}")
    assert direction_mark_in(f"E{mark}ve") == mark
    assert display_name(f"{mark}E{mark}ve", 200) == without_direction_marks(f"{mark}E{mark}ve") == "Eve"
    assert file_name(f"gpj{mark}.exe") == "gpj.exe"


def test_a_name_of_another_system_is_one_short_line() -> None:
    assert display_name("  Eve \n  B\x00ob\ud800 ", 200) == "Eve B ob"
    assert display_name("x" * 500, 200) == "x" * 200
