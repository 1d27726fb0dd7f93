"""Loads settings from their sources: flags, then the environment, then talkwire.toml, then the defaults.

Each value keeps the name of its source, so that an error can point to the place to fix.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from talkwire.settings.model import Setting
from talkwire.settings.rules import Problem, SettingsError
from talkwire.settings.settings import Settings
from talkwire.settings.values import parse_value

PREFIX = "TALKWIRE_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
CONFIG_FILE = "talkwire.toml"

CALLBACKS = "callbacks"
_OF_CALLBACKS = {
    "timeout_s": "callback_timeout_s",
    "on_failure": "callback_on_failure",
    "secret": "callback_secret",
}
"""Keys of the table `[callbacks]` that are not names of callbacks -> the settings that they stand for."""

_METAVARS: Mapping[object, str] = {int: "NUMBER", float: "SECONDS", timedelta: "DURATION"}
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


class Known(NamedTuple):
    """One setting, as flags and pages of documentation are generated from it."""

    name: str
    kind: object
    setting: Setting
    default: Any

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its environment variables; the first one that is set counts."""
        return (f"{PREFIX}{self.name.upper()}", *self.setting.variables)

    @property
    def metavar(self) -> str | None:
        """The placeholder for the value in `--help`."""
        if get_origin(self.kind) is Literal:
            return "|".join(get_args(self.kind))
        return self.setting.metavar or _METAVARS.get(self.kind)

    @property
    def shown_default(self) -> str:
        """The default, written as for a flag or a variable; empty if there is none."""
        match self.default:
            case None | ():
                return ""
            case bool():
                return "on" if self.default else "off"
            case timedelta():
                return _duration_text(self.default)
            case frozenset():
                return ",".join(sorted(self.default))
            case float():
                return f"{self.default:g}"
            case _:
                return str(self.default)


class Given(NamedTuple):
    """A value as it was written, and the place."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, the sources of those that are not defaults, and the file that was read."""

    settings: Settings
    sources: Mapping[str, str]
    file: Path | None


def _duration_text(duration: timedelta) -> str:
    """Returns a duration in the largest unit of which it is a whole number, such as `90s`."""
    seconds = round(duration.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def known_settings() -> Mapping[str, Known]:
    """Returns every setting by its name, in the order of the class."""
    hints = get_type_hints(Settings, include_extras=True)
    known = {}
    for each in fields(Settings):
        kind, setting = get_args(hints[each.name])
        known[each.name] = Known(each.name, kind, setting, each.default)
    return known


def load_settings(
    flags: Mapping[str, object], environ: Mapping[str, str], config: Path | None = None
) -> LoadedSettings:
    """Returns the settings of this process. `flags` holds the flags that were given; `config` is the file of
    `--config`.

    Raises SettingsError, whose problems name their sources.
    """
    known = known_settings()
    file = _config_file(environ, config)
    given: dict[str, Given] = {}
    if file is not None:
        given |= _from_file(file, known)
    given |= _from_environment(environ, known)
    given |= {name: Given(value, known[name].flag) for name, value in flags.items()}
    values = _parse(given, known)
    sources = {name: each.source for name, each in given.items()}
    try:
        return LoadedSettings(Settings(**values), sources, file)
    except SettingsError as error:
        raise SettingsError(
            [Problem(each.name, each.message, sources.get(each.name)) for each in error.problems]
        ) from None


def settings_from_environment(**values: Any) -> Settings:  # noqa: ANN401 (as the class has them)
    """Returns the settings that `talkwire serve` would use here without flags; `values` override them.

    Raises SettingsError.
    """
    settings = load_settings({}, os.environ).settings
    return replace(settings, **values) if values else settings


def unknown_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yields the variables `TALKWIRE_…` that are not settings, each with the most similar valid name, or None."""
    names = [variable for each in known_settings().values() for variable in each.variables]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names and name != CONFIG_VARIABLE:
            yield name, _similar(name, names)


def _config_file(environ: Mapping[str, str], config: Path | None) -> Path | None:
    if config is not None:
        return config
    if path := environ.get(CONFIG_VARIABLE):
        return Path(path)
    return Path(CONFIG_FILE) if Path(CONFIG_FILE).is_file() else None


def _from_file(file: Path, known: Mapping[str, Known]) -> dict[str, Given]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([Problem("config", f"cannot be read: {error.strerror}", str(file))]) from None
    except ValueError as error:
        raise SettingsError([Problem("config", f"is not TOML: {error}", str(file))]) from None
    problems = [Problem(key, _unknown(key, known), f"{key} in {file}") for key in content if key not in known]
    if problems:
        raise SettingsError(problems)
    given = {key: Given(value, f"{key} in {file}") for key, value in content.items()}
    table = content.get(CALLBACKS)
    return given | _from_callbacks(table, file, given) if isinstance(table, dict) else given


def _from_callbacks(table: Mapping[str, object], file: Path, given: Mapping[str, Given]) -> dict[str, Given]:
    """Returns the settings in the table `[callbacks]`, where a callback is a key and its URL the value."""
    settings: dict[str, Given] = {}
    urls: list[str] = []
    for key, value in table.items():
        source = f"{CALLBACKS}.{key} in {file}"
        name = _OF_CALLBACKS.get(key)
        if name is None and not isinstance(value, str):
            raise SettingsError([Problem(CALLBACKS, "must be a URL, as a text", source)])
        if name is None:
            urls.append(f"{key}={value}")
        elif name in given:
            raise SettingsError([Problem(name, f"is the same setting as {given[name].source}", source)])
        else:
            settings[name] = Given(value, source)
    return {**settings, CALLBACKS: Given(urls, f"{CALLBACKS} in {file}")}


def _from_environment(environ: Mapping[str, str], known: Mapping[str, Known]) -> Iterator[tuple[str, Given]]:
    """Yields values from the environment. An empty variable counts as not set: container tools spell "not set" so."""
    for name, each in known.items():
        present = [variable for variable in each.variables if environ.get(variable, "").strip()]
        if not present:
            continue
        if name == "origins":
            yield name, Given(",".join(environ[variable] for variable in present), " and ".join(present))
        else:
            yield name, Given(environ[present[0]], present[0])


def _parse(given: Mapping[str, Given], known: Mapping[str, Known]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems = []
    for name, each in given.items():
        try:
            values[name] = parse_value(known[name].kind, each.value)
        except ValueError as error:
            problems.append(Problem(name, str(error), each.source))
    if problems:
        raise SettingsError(problems)
    return values


def _unknown(key: str, known: Mapping[str, Known]) -> str:
    similar = _similar(key, list(known))
    return "is not a setting" if similar is None else f"is not a setting; did you mean {similar}?"


def _similar(name: str, names: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, names, 1)), None)
