"""The settings of a server: one typed `Settings`, used by Python, flags, environment and file alike.

model.py      every setting with its type, default and description
rules.py      which values are valid, alone and together
settings.py   `Settings`: values that passed the rules
addresses.py  parses hosts, database URLs and origins
values.py     parses the texts of flags and environment variables
sources.py    precedence: flags, environment, file, defaults
policy.py     what the operator allows users to do
keys.py       the keys that sign and verify tokens
callbacks.py  requests to the application's back end
logos.py      the web client's logo
shown.py      the settings as operators see them, without secrets
"""

from __future__ import annotations

from talkwire.settings.rules import Problem, SettingsError
from talkwire.settings.settings import Settings

__all__ = ["Problem", "Settings", "SettingsError"]
