"""How a command fails: one line on stderr, and 1 for what did not work or 2 for what could not be meant.

CommandError
 ├── Failure   exit code 1
 │    └── Passing
 └── Misuse    exit code 2
"""

from __future__ import annotations

from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError
from talkwire.settings import SettingsError

OK = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class CommandError(Exception):
    """Ends the command; the text is what its user reads."""

    exit_code = FAILED


class Failure(CommandError):
    """It was tried and did not work."""


class TransientFailure(Failure):
    """It did not work now, and may work later without anything being changed here."""


class Misuse(CommandError):
    """What was asked for cannot be meant."""

    exit_code = WRONG_USAGE


def outcome_of(error: CommandError | ChatError | DataFolderError | SettingsError | OSError) -> tuple[int, str]:
    """How a command ends: (exit code, the line to print)."""
    match error:
        case CommandError():
            return error.exit_code, str(error)
        case SettingsError():
            return WRONG_USAGE, str(error)
        case ChatError(code="invalid_request"):
            return WRONG_USAGE, error.message
        case ChatError():
            return FAILED, error.message
        case DataFolderError():
            return FAILED, str(error)
        case OSError():
            subject = f"{error.filename}: " if error.filename else ""
            return FAILED, f"{subject}{error.strerror or error}"


def one_line(text: str) -> str:
    """A text that may have come from a library or a database, as a line that ends a command."""
    return " ".join(text.split())
