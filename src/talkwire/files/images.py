"""Makes pictures safe by running the program `image_worker.py`: at most two at a time, each in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from talkwire.core.domain.errors import invalid

AT_ONCE = 2
PIXELS_MAX = 64_000_000
"""Width times height, at most."""

DEADLINE_S = 120.0
"""Seconds per picture, at most. Longer than the limit of processor time, because the machine may be busy."""

_PROGRAM = Path(__file__).with_name("image_worker.py")
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "TMPDIR")
"""The environment variables that Python needs. The server's others may hold secrets."""

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """The type and the size in pixels of a picture that was made safe to show, and whether it is animated."""

    content_type: str
    width: int
    height: int
    animated: bool = False


class _Answer(msgspec.Struct, frozen=True):
    content_type: str = ""
    width: int = 0
    height: int = 0
    animated: bool = False
    problem: str | None = None


class ImageWorkers:
    """Makes uploaded pictures safe to show: runs the program `image_worker.py` for each, at most AT_ONCE at a time,
    without blocking the event loop.

    `pixels_max` is the largest number of pixels of a picture, `deadline_s` the longest time for one picture in seconds.
    """

    def __init__(self, *, pixels_max: int = PIXELS_MAX, deadline_s: float = DEADLINE_S) -> None:
        self._pixels_max = pixels_max
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="talkwire-image")

    async def prepare(self, source: Path, picture: Path, thumbnail: Path, large: Path) -> Picture | None:
        """Writes a safe copy of `source` to `picture`, its thumbnail (WebP) to `thumbnail`, and a larger one to `large`
        if the picture is larger than its thumbnail. Returns the copy's type and size.

        Returns None if `source` is not a readable picture; the other paths may then have incomplete files. Raises
        `invalid_request` for a picture with too many pixels, or one that takes too long or too much memory.
        """
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self._run, source, picture, thumbnail, large)
        match answer.problem:
            case None:
                return Picture(answer.content_type, answer.width, answer.height, answer.animated)
            case "unreadable":
                return None
            case "pixels":
                size = f"{answer.width} x {answer.height}"
                raise invalid("file", f"a picture of {size} pixels is too large; allowed are {self._pixels_max}")
            case _:
                raise invalid("file", "this picture takes too much time or memory to process")

    def close(self) -> None:
        self._threads.shutdown()

    def _run(self, *paths: Path) -> _Answer:
        # -P: files beside the program must not shadow modules of the standard library.
        command = [sys.executable, "-P", str(_PROGRAM), *map(str, paths), str(self._pixels_max)]
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            done = subprocess.run(  # noqa: S603 (our own program, no shell)
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=self._deadline_s, check=True,
            )  # fmt: skip
            return msgspec.json.decode(done.stdout, type=_Answer)
        except subprocess.TimeoutExpired:
            _logger.warning("picture_timed_out", deadline_s=self._deadline_s)
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            _logger.warning("picture_failed", status=error.returncode, reason=reason)
        return _Answer(problem="failed")
