"""Opens the files to import: from the export, or downloaded from the URL that the export names."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import IO

from yarl import URL

from talkwire.cli.history_import.archive import READ_ERRORS, Archive
from talkwire.cli.history_import.source import InvalidExport
from talkwire.egress import BodyReading, Egress, EgressError, EgressLimits

DOWNLOAD_TRIES = 3
"""Most attempts to download a file."""

DOWNLOAD_REDIRECTS_MAX = 3
"""Most redirects that a download follows."""

_IN_MEMORY_BYTES = 4 * 1024 * 1024
_DOWNLOAD_S = 300.0
_TOKEN_HOSTS = ("slack.com", "slack-files.com")
_HTML = "text/html"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FileMissing(Exception):
    """Raised when a file cannot be imported. Its text describes the kind of loss, such as "files that cannot be
    unpacked"; the import counts losses by this text."""


class AttachedFiles:
    """Opens the files that messages of an export have attached.

    `egress` downloads them; if it is None, nothing is downloaded. `token` is sent only to Slack.
    """

    def __init__(self, archive: Archive, egress: Egress | None = None, token: str | None = None) -> None:
        self._archive = archive
        self._egress = egress
        self._token = token

    @property
    def downloads(self) -> bool:
        return self._egress is not None

    @asynccontextmanager
    async def opened(self, path: str | None, url: str | None, most: int, name: str = "") -> AsyncIterator[IO[bytes]]:
        """Yields a file, open for reading: the file `path` of the export, or else the download of `url`. `name` is the
        file's name in the source system.

        Raises FileMissing if the file is not available or has more than `most` bytes.
        """
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as content:
            if path is not None:
                self._unpack(path, content, most)
            elif url is not None and self._egress is not None:
                await self._download(url, content, most, name)
            else:
                raise FileMissing("files that the export does not contain")
            content.seek(0)
            yield content

    def _unpack(self, path: str, content: IO[bytes], most: int) -> None:
        if self._archive.size(path) > most:
            raise FileMissing("files that are larger than the server allows")
        try:
            with self._archive.open(path) as packed:
                shutil.copyfileobj(_Limited(packed, most), content)
        except InvalidExport:
            raise FileMissing("files that cannot be unpacked") from None

    async def _download(self, url: str, content: IO[bytes], most: int, name: str) -> None:
        assert self._egress is not None
        for _ in range(DOWNLOAD_TRIES):
            with suppress(EgressError, OSError, ValueError):
                if await self._fetch(self._egress, url, content, most, name):
                    return
                break
        raise FileMissing("files that could not be downloaded")

    async def _fetch(self, egress: Egress, url: str, content: IO[bytes], most: int, name: str) -> bool:
        """Downloads a URL into `content`, following redirects. Returns False if the server does not respond with the
        file: also for an HTML page, unless `name` (the file's name) ends with `.html` or `.htm`. Raises EgressError,
        OSError or ValueError if the download fails or has more than `most` bytes."""
        client = egress.client(EgressLimits(total_s=_DOWNLOAD_S))
        try:
            for _ in range(DOWNLOAD_REDIRECTS_MAX + 1):
                content.seek(0)
                content.truncate()
                answer = await client.request(
                    "GET", url, headers=self.headers_for(url), reading=BodyReading(most, into=content.write)
                )
                if answer.status in _REDIRECTS and "location" in answer.headers:
                    url = str(URL(url).join(URL(answer.headers["location"])))
                    continue
                # Slack shows its sign-in page instead of a file that the token may not read.
                is_page = answer.headers.get("content-type", "").startswith(_HTML)
                return answer.status == HTTPStatus.OK and (not is_page or name.endswith((".html", ".htm")))
        finally:
            await client.aclose()
        return False

    def headers_for(self, url: str) -> dict[str, str]:
        """Returns the request headers for downloading a URL: the token, if there is one and the URL is Slack's and
        https; otherwise none.

        Raises ValueError for a text that is not a URL.
        """
        address = URL(url)
        host = address.host or ""
        is_slack = any(host == each or host.endswith(f".{each}") for each in _TOKEN_HOSTS)
        if self._token is None or not is_slack or address.scheme != "https":
            return {}
        return {"authorization": f"Bearer {self._token}"}


class _Limited:
    """A file whose `read` raises FileMissing after `most` bytes, since the sizes stated in zip files may be wrong."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = most

    def read(self, size: int = -1) -> bytes:
        try:
            found = self._file.read(size)
        except READ_ERRORS as error:
            raise InvalidExport(str(error)) from None
        self._left -= len(found)
        if self._left < 0:
            raise FileMissing("files that are larger than the server allows")
        return found
