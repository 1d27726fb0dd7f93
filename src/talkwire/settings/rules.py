"""Checks whether settings are valid. Opens no files and resolves no names; the command `talkwire check` does that.

ValueError
 └── SettingsError   `problems` has all problems, and its text is the first one
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from talkwire.core.domain.search.metadata_keys import METADATA_KEYS_MAX
from talkwire.settings.addresses import is_loopback
from talkwire.settings.callbacks import callback_problems
from talkwire.settings.known import Known, known_settings
from talkwire.settings.model import SettingValues
from talkwire.storage.conninfo import PORT_MAX


@dataclass(frozen=True, slots=True)
class Problem:
    """A setting's invalid value: the setting's name and an error text.

    `source` is where the value was set, such as `--port`; None if Python code passed it.
    """

    name: str
    message: str
    source: str | None = None

    def __str__(self) -> str:
        return f"{self.source or self.name}: {self.message}"


class SettingsError(ValueError):
    """Raised if settings are invalid. `problems` has all problems; the error's text is the first one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(str(problems[0]))
        self.problems = tuple(problems)


def problems_of(settings: SettingValues) -> list[Problem]:
    """Returns all problems with the settings; an empty list if they are valid."""
    return [
        *_single_problems(settings),
        *_combined_problems(settings),
        *_key_problems(settings),
        *(Problem(name, message) for name, message in callback_problems(settings)),
    ]


def _single_problems(settings: SettingValues) -> Iterator[Problem]:
    """Yields the first problem with each value alone."""
    for known in known_settings().values():
        value = getattr(settings, known.name)
        items = value if isinstance(value, tuple | frozenset) else () if value is None else (value,)
        problem = next(filter(None, (_problem_of(known, item) for item in items)), None)
        if problem is not None:
            yield Problem(known.name, problem)


def _problem_of(known: Known, item: object) -> str | None:
    """Returns what is wrong with the value of a setting, or with an item of a list; None if nothing is."""
    if known.choices and item not in known.choices:
        return f'must be one of {", ".join(known.choices)}, not "{item}"'
    if known.setting.check is not None:
        try:
            known.setting.check(item)
        except ValueError as error:
            return str(error)
    return None


def _combined_problems(settings: SettingValues) -> Iterator[Problem]:
    """Yields the problems with values that exclude or require each other, and with the number of items of a list."""
    if settings.insecure_dev_auth and not is_loopback(settings.host):
        name = "demo" if settings.demo else "insecure_dev_auth"
        yield Problem(
            name, f'accepts any user id without a token, so the host must be 127.0.0.1, not "{settings.host}"'
        )
    if settings.workers > 1 and not settings.on_postgresql:
        yield Problem("workers", "more than one requires PostgreSQL; a SQLite database has one server")
    if settings.internal_port <= PORT_MAX < settings.internal_port + settings.workers - 1:
        yield Problem("internal_port", f"must leave room for a port of each worker, up to {PORT_MAX}")
    if len(set(settings.conversation_keys)) > METADATA_KEYS_MAX:
        yield Problem("conversation_keys", f"must have at most {METADATA_KEYS_MAX} keys")


def _key_problems(settings: SettingValues) -> Iterator[Problem]:
    """Yields the problems with the settings of tokens and of an OpenID provider together."""
    if settings.jwt_public_key is not None and settings.jwt_jwks_url is not None:
        yield Problem("jwt_public_key", "a public key and a JWKS address exclude each other")
    for name, names in (("jwt_issuer", settings.jwt_issuer), ("jwt_audience", settings.jwt_audience)):
        if names is not None and not names:
            yield Problem(name, "must not be empty")
    if settings.oidc_issuer is not None and settings.oidc_client_id is None:
        yield Problem("oidc_client_id", "is required with oidc_issuer")
    if settings.oidc_issuer is not None and settings.on_postgresql and settings.jwt_secret is None:
        yield Problem("jwt_secret", "is required on PostgreSQL with oidc_issuer, since all nodes must share it")
