"""Forks of the helper share the routes that several of them need."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tests.forked_talkwire import Streams, start_python
from tests.waiting import DEADLINE_S

BUILDING = """
from talkwire.api import rest

misses = rest._routes.__wrapped__.cache_info().misses
rest._routes(("talks",), "1.2", {prefix!r}, has_accounts=True, has_provider=False, has_page=False)
print(rest._routes.__wrapped__.cache_info().misses - misses)
"""


def test_the_helper_builds_routes_that_two_forks_have_built(tmp_path: Path) -> None:
    assert [_built(tmp_path, "/here") for _ in range(4)] == [1, 1, 0, 0]
    assert _built(tmp_path, "/there") == 1


def _built(folder: Path, prefix: str) -> int:
    """Returns how many applications a fork builds that needs the routes below a prefix."""
    with tempfile.TemporaryFile() as output:
        with Path(os.devnull).open("rb") as nothing:
            process = start_python(["-c", BUILDING.format(prefix=prefix)], Streams(nothing, output, output), {}, folder)
        assert process.wait(DEADLINE_S) == 0
        output.seek(0)
        return int(output.read())
