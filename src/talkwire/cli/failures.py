"""The exceptions that end a command of the command line with one line on stderr and an exit code.

CommandError
 ├── Failure   exit code 1: the command did not work
 │    └── TransientFailure
 └── Misuse    exit code 2: the command line or a setting is invalid
"""

from __future__ import annotations

from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError
from talkwire.settings import SettingsError

WORKED = 0
"""Exit code of a command that worked."""

FAILED = 1
"""Exit code of a command that did not work."""

WRONG_USAGE = 2
"""Exit code of an invalid command line or an invalid setting."""

INTERRUPTED = 130
"""Exit code of a command that the user has interrupted, as shells report it: 128 and the number of SIGINT."""


class CommandError(Exception):
    """Raised to end the running command of the command line. Its text is printed for the user."""

    exit_code = FAILED


class Failure(CommandError):
    """Raised when a command was tried and did not work (exit code 1)."""


class TransientFailure(Failure):
    """A failure, such as an unavailable database, after which a retry with the same settings may succeed."""


class Misuse(CommandError):
    """Raised when the command line is invalid (exit code 2)."""

    exit_code = WRONG_USAGE


def outcome_of(error: CommandError | ChatError | DataFolderError | SettingsError | OSError) -> tuple[int, str]:
    """Returns the exit code of a command that raised this error, and the line to print."""
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


def connection_cause(error: BaseException) -> str:
    """Returns why a request got no response. Libraries give no text to time-outs and to connections that ended."""
    if text := one_line(str(error)):
        return text
    is_late = "Timeout" in type(error).__name__  # httpx' are no TimeoutError, and importing it takes time
    return "no response in time" if is_late else "the server closed the connection"


def one_line(text: str) -> str:
    """Returns a text, such as a library's error message, in one line: each run of white space becomes one space."""
    return " ".join(text.split())
