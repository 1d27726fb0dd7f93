"""`Settings`: validated setting values."""

from __future__ import annotations

from dataclasses import dataclass

from talkwire.settings.addresses import canonical_origin
from talkwire.settings.model import DATA_FOLDER, DataFolder, SettingValues
from talkwire.settings.rules import SettingsError, problems_of


@dataclass(frozen=True, kw_only=True)
class Settings(SettingValues):
    """All settings of a server. Raises SettingsError for values that are invalid alone or together."""

    # Declared again for type checkers: for an inherited descriptor they use the accepted type instead of the returned
    # one.
    data: DataFolder = DATA_FOLDER

    def __post_init__(self) -> None:
        if self.demo:
            object.__setattr__(self, "insecure_dev_auth", True)
        problems = problems_of(self)
        if problems:
            raise SettingsError(problems)
        object.__setattr__(self, "origins", tuple(dict.fromkeys(map(canonical_origin, self.origins))))
