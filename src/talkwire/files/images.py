"""Makes pictures safe by running the program `image_worker.py`: at most two at a time, each in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from talkwire.core.domain.errors import invalid
from talkwire.files.worker_processes import ProgramFailed, WorkerProcesses

PICTURES_AT_ONCE = 2
"""Most pictures that are worked on at once."""

PIXELS_MAX = 64_000_000
"""Most pixels of a picture, width times height. A picture with more is not decoded, but stored as a file."""

PICTURE_DEADLINE_S = 120.0
"""Longest time for one picture, in seconds. It is longer than the limit of processor time, because the machine may be
busy."""

_DAMAGED = (
    "this picture is damaged, so its metadata, such as the place where it was taken, cannot be removed; "
    "upload an undamaged copy, or put it into an archive, such as a ZIP file"
)

_PROGRAM = Path(__file__).with_name("image_worker.py")

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
    """Makes uploaded pictures safe to show: runs the program `image_worker.py` for each, at most PICTURES_AT_ONCE at a
    time, without blocking the event loop.

    `pixels_max` is the largest number of pixels of a picture, `deadline_s` the longest time for one picture in seconds,
    `program` the path of the program.
    """

    def __init__(
        self, *, pixels_max: int = PIXELS_MAX, deadline_s: float = PICTURE_DEADLINE_S, program: Path = _PROGRAM
    ) -> None:
        self._pixels_max = pixels_max
        self._deadline_s = deadline_s
        self._processes = WorkerProcesses(str(program), at_once=PICTURES_AT_ONCE, deadline_s=deadline_s)

    async def prepare(self, source: Path, picture: Path, thumbnail: Path, large: Path) -> Picture | None:
        """Writes a safe copy of `source` to `picture`, its thumbnail (WebP) to `thumbnail`, and a larger one to `large`
        if the picture is larger than its thumbnail. Returns the copy's type and size.

        Returns None if `source` is not a readable picture, or has too many pixels to be decoded: `picture` is then a
        copy of the file without its metadata, and the other paths may have incomplete files. Raises `invalid_request`
        for a picture that takes too long or too much memory, or one so damaged that its metadata cannot be removed.
        """
        answer = await self._answer(source, picture, thumbnail, large)
        match answer.problem:
            case None:
                return Picture(answer.content_type, answer.width, answer.height, answer.animated)
            case "unreadable" | "pixels":
                return None
            case "metadata":
                raise invalid("file", _DAMAGED)
            case _:
                raise invalid("file", "this picture takes too much time or memory to process")

    def close(self) -> None:
        self._processes.close()

    async def _answer(self, *paths: Path) -> _Answer:
        try:
            output = await self._processes.run([*map(str, paths), str(self._pixels_max)])
            return msgspec.json.decode(output, type=_Answer)
        except ProgramFailed as failure:
            if failure.status is None:
                _logger.warning("picture_timed_out", deadline_s=self._deadline_s)
            else:
                _logger.warning("picture_failed", status=failure.status, reason=failure.reason)
        return _Answer(problem="failed")
