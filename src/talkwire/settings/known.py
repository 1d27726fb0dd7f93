"""Reads the declarations of all settings from `model.py`: flags, variables, checks and documentation come from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, get_args, get_type_hints

from talkwire.settings.model import Setting, SettingValues
from talkwire.settings.values import choices_of, is_list

VARIABLE_PREFIX = "TALKWIRE_"
"""Beginning of the names of environment variables."""

FILE_VARIABLE_SUFFIX = "_FILE"
"""End of the name of a variable whose value is the path of a file that has the setting's value."""

_METAVARS: Mapping[object, str] = {int: "NUMBER", float: "SECONDS", timedelta: "DURATION"}
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


class Known(NamedTuple):
    """A setting's name, type, description and default, from which flags and the documentation are generated."""

    name: str
    kind: object
    setting: Setting
    default: Any

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the setting's environment variables; the first one that has a value is used."""
        return (f"{VARIABLE_PREFIX}{self.name.upper()}", *self.setting.variables)

    @property
    def file_variables(self) -> tuple[str, ...]:
        """The names of the environment variables that contain the path of a file with the setting's value
        (`…_FILE`).
        """
        return tuple(f"{variable}{FILE_VARIABLE_SUFFIX}" for variable in self.variables)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that the setting, or an item of the list, can have; none if it can have others."""
        return choices_of(self.kind)

    @property
    def is_list(self) -> bool:
        return is_list(self.kind)

    @property
    def metavar(self) -> str | None:
        """The name of the setting's value in `--help`, such as `SECONDS` or the choices; None if it has none."""
        if self.choices and not self.is_list:
            return "|".join(self.choices)
        return self.setting.metavar or _METAVARS.get(self.kind)

    @property
    def shown_default(self) -> str:
        """The setting's default, written as for a flag or a variable; empty if it has none."""
        return as_text(self.default)


def as_text(value: object) -> str:
    """Returns a setting's value as text, as a flag or a variable would have it; empty for None and empty lists."""
    match value:
        case None | ():
            return ""
        case bool():
            return "on" if value else "off"
        case timedelta():
            return _duration_text(value)
        case frozenset() | tuple():
            return ",".join(sorted(value) if isinstance(value, frozenset) else value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _duration_text(duration: timedelta) -> str:
    """Returns a duration as a whole number of its largest possible unit: days, hours, minutes or seconds, such as
    `90s`.
    """
    seconds = round(duration.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


@cache
def known_settings() -> Mapping[str, Known]:
    """Returns the descriptions of all settings by name, in the order of their declaration in `SettingValues`."""
    hints = get_type_hints(SettingValues, include_extras=True)
    known = {}
    for each in fields(SettingValues):
        kind, setting = get_args(hints[each.name])
        known[each.name] = Known(each.name, kind, setting, each.default)
    return MappingProxyType(known)
