"""Makes command-line flags of the settings.

A command declares for which settings it has flags; it reads all others from the environment and the settings file.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from talkwire.settings.known import Known, known_settings
from talkwire.settings.sources import CONFIG_VARIABLE, LoadedSettings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

Flag = str | bool | None

CHAT_SETTINGS = ("data", "database")
"""Names of the settings that every command on the chat needs."""


def takes_settings(*names: str) -> Callable[[F], F]:
    """Returns a decorator for a command's function: its parameter `**flags` becomes `--config` and a flag for each of
    the settings `names` on the command line. The function passes `flags` to `load`."""

    def decorate(command: F) -> F:
        known = known_settings()
        signature = inspect.signature(command)
        own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        added = [_config_parameter(), *(_parameter(known[name]) for name in names)]
        command.__dict__["__signature__"] = signature.replace(parameters=[*own, *added])
        command.__annotations__.pop("flags")
        command.__annotations__ |= {each.name: each.annotation for each in added}
        return command

    return decorate


def load(flags: Mapping[str, Flag]) -> LoadedSettings:
    """Returns the settings of a command from its `**flags`, the environment variables and the configuration file.
    Raises SettingsError if one of them is invalid."""
    given = {name: value for name, value in flags.items() if value is not None and name != "config"}
    config = flags.get("config")
    return load_settings(given, os.environ, Path(config) if isinstance(config, str) else None)


def _config_parameter() -> inspect.Parameter:
    description = f"File of settings. Default: talkwire.toml in this folder, if it exists. [env: {CONFIG_VARIABLE}]"
    annotation = Annotated[str | None, Parameter(help=description, metavar="FILE")]
    return inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _parameter(known: Known) -> inspect.Parameter:
    described = Parameter(name=known.flag, help=_help(known), metavar=known.metavar, show_default=False)
    annotation: object = Annotated[str | None, described]
    if known.kind is bool:
        annotation = Annotated[bool | None, described]
    return inspect.Parameter(known.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _help(known: Known) -> str:
    shown = f" [default: {known.shown_default}]" if known.shown_default else ""
    return f"{known.setting.help}{shown} [env: {', '.join(known.variables)}]"
