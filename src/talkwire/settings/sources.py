"""Loads settings from their sources: flags, then the environment, then talkwire.toml, then the defaults.

Each value keeps the name of its source, so that an error message can name the place to fix.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from talkwire.settings.known import VARIABLE_PREFIX, Known, known_settings
from talkwire.settings.rules import Problem, SettingsError
from talkwire.settings.settings import Settings
from talkwire.settings.values import parse_value

CONFIG_VARIABLE = f"{VARIABLE_PREFIX}CONFIG"
CONFIG_FILE = "talkwire.toml"

SECRET_FILE_MAX_BYTES = 64 * 1024
"""Largest file with the value of a setting, in bytes."""

CALLBACKS = "callbacks"

_OF_CALLBACKS = {
    "timeout_s": "callback_timeout_s",
    "on_failure": "callback_on_failure",
    "secret": "callback_secret",
}
"""Settings that keys of the table `[callbacks]` stand for, by the key. All other keys are names of callbacks."""


class GivenValue(NamedTuple):
    """A setting's value as it was read, before parsing, and where: a flag, a variable or a key in a file."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The loaded settings, the sources of those that are not defaults, and the configuration file; None if none was
    read.
    """

    settings: Settings
    sources: Mapping[str, str]
    file: Path | None


def load_settings(
    flags: Mapping[str, object], environ: Mapping[str, str], config: Path | None = None
) -> LoadedSettings:
    """Loads the settings of this process from all sources: flags, environment variables, file and defaults.

    `flags` has the flags on the command line; `config` is the file of `--config`. Raises SettingsError, whose problems
    name the sources of the invalid values.
    """
    known = known_settings()
    file = _config_file(environ, config)
    given: dict[str, GivenValue] = {}
    if file is not None:
        given |= _from_file(file, known)
    given |= _from_environment(environ, known)
    given |= {name: GivenValue(value, known[name].flag) for name, value in flags.items()}
    values = _parse(given, known)
    sources = {name: each.source for name, each in given.items()}
    try:
        settings = Settings(**values)
        settings.note_sources(sources)
        return LoadedSettings(settings, sources, file)
    except SettingsError as error:
        raise SettingsError(
            [Problem(each.name, each.message, sources.get(each.name)) for each in error.problems]
        ) from None


def settings_from_environment(**values: Any) -> Settings:  # noqa: ANN401 (as the class has them)
    """Returns the settings that `talkwire serve` without flags would use in this process; `values` override single
    settings.

    Raises SettingsError if a value is invalid or the configuration file cannot be read.
    """
    settings = load_settings({}, os.environ).settings
    return settings.changed(**values) if values else settings


def readable_log_format(flag: str | None, environ: Mapping[str, str], config: Path | None) -> str | None:
    """Returns the setting `log_format` as it is written at its first source, or None if no source has it. Sources that
    cannot be read are left out, and other settings may be invalid: it serves to report just that."""
    known = known_settings()["log_format"]
    if flag is not None:
        return flag
    with suppress(SettingsError):
        for _, given in _from_environment(environ, {known.name: known}):
            return str(given.value).strip()
    file = _config_file(environ, config)
    with suppress(OSError, ValueError):
        if file is not None and (found := tomllib.loads(file.read_text(encoding="utf-8")).get(known.name)) is not None:
            return str(found)
    return None


_OTHERS = frozenset({CONFIG_VARIABLE, "TALKWIRE_TOKEN"})
"""Names of variables that are no settings: the settings' file, and the token that examples and clients read."""


def unknown_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yields each variable `TALKWIRE_…` that is neither a setting nor read by a client, as (name, most similar valid
    name or None)."""
    known = known_settings()
    read = {name for each in known.values() for name in (*each.variables, *each.file_variables)} | _OTHERS
    for name in sorted(environ):
        if name.startswith(VARIABLE_PREFIX) and name not in read:
            # Compared without the prefix, which would make any two names similar.
            similar = _similar(name.removeprefix(VARIABLE_PREFIX).lower(), known)
            yield name, None if similar is None else f"{VARIABLE_PREFIX}{similar.upper()}"


def _config_file(environ: Mapping[str, str], config: Path | None) -> Path | None:
    if config is not None:
        return config
    if path := environ.get(CONFIG_VARIABLE):
        return Path(path)
    return Path(CONFIG_FILE) if Path(CONFIG_FILE).is_file() else None


def _from_file(file: Path, known: Mapping[str, Known]) -> dict[str, GivenValue]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError([Problem("config", f"cannot be read: {error.strerror}", str(file))]) from None
    except ValueError as error:
        raise SettingsError([Problem("config", f"is not TOML: {error}", str(file))]) from None
    problems = [Problem(key, _unknown(key, known), f"{key} in {file}") for key in content if key not in known]
    if problems:
        raise SettingsError(problems)
    given = {key: GivenValue(value, f"{key} in {file}") for key, value in content.items()}
    table = content.get(CALLBACKS)
    return given | _from_callbacks(table, file, given) if isinstance(table, dict) else given


def _from_callbacks(table: Mapping[str, object], file: Path, given: Mapping[str, GivenValue]) -> dict[str, GivenValue]:
    """Returns the settings in the table `[callbacks]` of the configuration file `file`. Its keys are names of
    callbacks, with URLs as values, or settings of callbacks.

    `given` has the settings outside the table. Raises SettingsError for a setting that is in both, or for a URL that is
    not a text.
    """
    settings: dict[str, GivenValue] = {}
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
            settings[name] = GivenValue(value, source)
    return {**settings, CALLBACKS: GivenValue(urls, f"{CALLBACKS} in {file}")}


def _from_environment(environ: Mapping[str, str], known: Mapping[str, Known]) -> Iterator[tuple[str, GivenValue]]:
    """Yields (setting's name, value) for each setting in the environment. A variable that is empty or blank counts as
    not set, since container tools unset variables like that.

    Raises SettingsError for a setting that has both a value and a file, and for a file that cannot be read.
    """
    for name, each in known.items():
        present = [variable for variable in each.variables if environ.get(variable, "").strip()]
        of_file = next((variable for variable in each.file_variables if environ.get(variable, "").strip()), None)
        if present and of_file is not None:
            raise SettingsError([Problem(name, f"is also set by {present[0]}; set one of them", of_file)])
        if of_file is not None:
            yield name, GivenValue(_read_secret(name, Path(environ[of_file]), of_file), of_file)
        elif present and name == "origins":
            yield name, GivenValue(",".join(environ[variable] for variable in present), " and ".join(present))
        elif present:
            yield name, GivenValue(environ[present[0]], present[0])


def _read_secret(name: str, file: Path, variable: str) -> str:
    """Returns the text in a file that an environment variable names, without a byte order mark and white space around
    it.

    Raises SettingsError if the file is empty, too large or not text.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(SECRET_FILE_MAX_BYTES + 1)
        text = content.decode("utf-8-sig").strip()
    except OSError as error:
        raise SettingsError([Problem(name, f"the file {file} cannot be read: {error.strerror}", variable)]) from None
    except UnicodeDecodeError:
        raise SettingsError([Problem(name, f"the file {file} is not UTF-8 text", variable)]) from None
    if not text:
        raise SettingsError([Problem(name, f"the file {file} is empty", variable)])
    if len(content) > SECRET_FILE_MAX_BYTES:
        raise SettingsError([Problem(name, f"the file {file} is larger than {SECRET_FILE_MAX_BYTES} bytes", variable)])
    return text


def _parse(given: Mapping[str, GivenValue], known: Mapping[str, Known]) -> dict[str, Any]:
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
    similar = _similar(key, known)
    return "is not a setting" if similar is None else f"is not a setting; did you mean {similar}?"


def _similar(name: str, known: Mapping[str, Known]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), 1)), None)
