"""How a command fails: one line on stderr, and an exit code.

CommandError
 ├── Failure   exit code 1: the command did not work
 │    └── TransientFailure
 └── Misuse    exit code 2: the command line or a setting is invalid
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
    """Ends the command; its text is printed for the user."""

    exit_code = FAILED


class Failure(CommandError):
    """The command was tried and did not work."""


class TransientFailure(Failure):
    """A failure that may go away without a change of the settings; a retry may succeed."""


class Misuse(CommandError):
    """The command line is invalid."""

    exit_code = WRONG_USAGE


def outcome_of(error: CommandError | ChatError | DataFolderError | SettingsError | OSError) -> tuple[int, str]:
    """Returns how a command ends: the exit code and the line to print."""
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
    """Returns a text, such as a library's error, in one line."""
    return " ".join(text.split())
