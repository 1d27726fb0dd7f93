"""Forks of the helper share the routes that several of them need, and end with the process that asked for them."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import IO

from tests.forked_talkwire import ForkedProcess, Streams, start_python
from tests.waiting import DEADLINE_S, wait_until

BUILDING = """
from talkwire.api import rest

misses = rest._routes.__wrapped__.cache_info().misses
rest._routes(("talks",), "1.2", {prefix!r}, has_accounts=True, has_provider=False, has_page=False)
print(rest._routes.__wrapped__.cache_info().misses - misses)
"""

LEAVING = """
import os, sys
from pathlib import Path

sys.path.append(sys.argv[1])
from tests.forked_talkwire import Streams, start_python

with open(os.devnull, "r+b") as nothing:
    streams = Streams(nothing, nothing, nothing)
    print(start_python(["-c", "import signal; signal.pause()"], streams, os.environ, Path.cwd()).pid)
"""


def test_a_fork_ends_with_the_process_that_asked_for_it_and_others_continue(tmp_path: Path) -> None:
    ours = _forked(tmp_path, "import signal; signal.pause()")
    try:
        left = int(_printed(tmp_path, LEAVING, str(Path(__file__).parents[1])))
        wait_until(lambda: not _runs(left))
        assert ours.poll() is None
    finally:
        ours.kill()
    assert ours.wait(DEADLINE_S) == -signal.SIGKILL


def test_the_helper_builds_routes_that_two_forks_have_built(tmp_path: Path) -> None:
    assert [_built(tmp_path, "/here") for _ in range(4)] == [1, 1, 0, 0]
    assert _built(tmp_path, "/there") == 1


def _built(folder: Path, prefix: str) -> int:
    """Returns how many applications a fork builds that needs the routes below a prefix."""
    return int(_printed(folder, BUILDING.format(prefix=prefix)))


def _printed(folder: Path, code: str, *arguments: str) -> str:
    """Returns what a fork prints that runs this code."""
    with tempfile.TemporaryFile() as output:
        assert _forked(folder, code, *arguments, output=output).wait(DEADLINE_S) == 0
        output.seek(0)
        return output.read().decode()


def _forked(folder: Path, code: str, *arguments: str, output: IO[bytes] | None = None) -> ForkedProcess:
    with Path(os.devnull).open("r+b") as nothing:
        streams = Streams(nothing, output or nothing, output or nothing)
        return start_python(["-c", code, *arguments], streams, os.environ, folder)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
