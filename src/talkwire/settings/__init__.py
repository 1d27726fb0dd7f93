"""What an operator can set: one typed `Settings`, the same for Python, flags, environment and file.

model.py      every setting with its type, default and description
rules.py      which values are valid, alone and together
settings.py   `Settings`: values that passed the rules
addresses.py  what hosts, database URLs and origins mean
values.py     from text, as flags and environment variables have it, to values
sources.py    flags over environment over file over defaults
policy.py     what the operator allows users to do
keys.py       the keys that tokens are signed and verified with
"""

from __future__ import annotations

from talkwire.settings.rules import Problem, SettingsError
from talkwire.settings.settings import Settings

__all__ = ["Problem", "Settings", "SettingsError"]
