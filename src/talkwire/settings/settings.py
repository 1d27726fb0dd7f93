"""Defines `Settings`, the validated settings of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from talkwire.identity.page_origins import canonical_origin
from talkwire.settings.addresses import embed_origin
from talkwire.settings.known import known_settings
from talkwire.settings.model import DATA_FOLDER, DataFolder, SettingValues
from talkwire.settings.rules import Problem, SettingsError, problems_of
from talkwire.settings.values import divided


@dataclass(frozen=True, kw_only=True)
class Settings(SettingValues):
    """All settings of a server, validated. Raises SettingsError for values that are invalid alone or together."""

    # Declared again for type checkers: for an inherited descriptor they use the accepted type instead of the returned
    # one.
    data: DataFolder = DATA_FOLDER

    @property
    def sources(self) -> Mapping[str, str]:
        """The place where each setting was set, by the setting's name: a flag, an environment variable or a key in a
        file.

        Settings with their default, and those that Python code passed, are missing.
        """
        return MappingProxyType(self.__dict__.get("_sources", {}))

    def note_sources(self, sources: Mapping[str, str]) -> None:
        """Records in `sources` where each setting was set: a flag, an environment variable or a key in a file, by the
        setting's name. Replaces the earlier record.
        """
        self.__dict__["_sources"] = dict(sources)

    def changed(self, **values: Any) -> Settings:  # noqa: ANN401 (as the class has them)
        """Returns a copy of the settings with these values replaced. Raises SettingsError if the result is invalid.

        Unchanged settings keep the record of where they were set (`sources`).
        """
        settings = replace(self, **values)
        settings.note_sources({name: source for name, source in self.sources.items() if name not in values})
        return settings

    def __post_init__(self) -> None:
        if self.demo:
            object.__setattr__(self, "insecure_dev_auth", True)
        self._divide_lists()
        problems = problems_of(self)
        if problems:
            raise SettingsError(problems)
        object.__setattr__(self, "origins", tuple(dict.fromkeys(map(canonical_origin, self.origins))))
        object.__setattr__(self, "embed_origins", tuple(dict.fromkeys(map(embed_origin, self.embed_origins))))

    def _divide_lists(self) -> None:
        """Divides the texts of settings that are lists into their items. Raises SettingsError for other values."""
        for known in known_settings().values():
            value = getattr(self, known.name)
            if value is None or not known.is_list:
                continue
            try:
                items = divided(value, known.setting.separators)
            except ValueError as error:
                raise SettingsError([Problem(known.name, str(error))]) from None
            object.__setattr__(self, known.name, frozenset(items) if known.kind == frozenset[str] else items)
