"""What an operator can set: one typed `Settings`, the same for Python, flags, environment and file.

model.py     the settings, each with its description
rules.py     which values make sense, alone and together
values.py    from text, as flags and variables have it, to values
sources.py   flags over environment over file over defaults
keys.py      the keys that tokens are signed and verified with
"""

from __future__ import annotations

from talkwire.settings.model import Settings
from talkwire.settings.rules import Problem, SettingsError

__all__ = ["Problem", "Settings", "SettingsError"]
