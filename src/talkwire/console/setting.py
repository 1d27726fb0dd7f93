"""The form in which the operators' console shows a setting."""

from __future__ import annotations

from typing import Literal, NamedTuple

SettingSource = Literal["default", "file", "environment", "option"]


class ShownSetting(NamedTuple):
    """A setting as operators see it. `value` is written as for its flag; None if the setting has no value or is
    secret.
    """

    name: str
    value: str | None
    source: SettingSource
    is_secret: bool
