"""Which files may be the web client's logo."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire import Settings
from talkwire.api.page import Logo
from talkwire.composition.page import page_options
from talkwire.settings import SettingsError
from talkwire.settings.logos import MAX_LOGO_BYTES


def test_a_logo_is_read_with_its_type(tmp_path: Path) -> None:
    file = tmp_path / "Logo.PNG"
    file.write_bytes(b"png")
    assert page_options(Settings(web_logo=str(file))).logo == Logo(b"png", "image/png")
    assert page_options(Settings()).logo is None


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (0, "must have from 1"), (1, "must have")])
def test_a_logo_that_cannot_be_shown_stops_the_start(tmp_path: Path, content: int | None, reason: str) -> None:
    file = tmp_path / "logo.svg"
    if content is not None:
        file.write_bytes(b"x" * content * (MAX_LOGO_BYTES + 1))
    with pytest.raises(SettingsError, match=f"web_logo: .*{reason}"):
        page_options(Settings(web_logo=str(file)))
