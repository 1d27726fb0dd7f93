"""Fetches linked pages and their pictures, within limits of time, size and redirects, and only from public
addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin

from talkwire.egress import BodyReading, Egress, EgressError, EgressLimits
from talkwire.previews.page import LinkedPage, PageReading
from talkwire.previews.page_readers import PageReaders, UnreadablePage

WEB_PAGE_BEGINNING_BYTES = 256 * 1024
"""Number of bytes of a page that are fetched first. They contain the heads of nearly all pages."""

WEB_PAGE_MAX_BYTES = 2 * 1024 * 1024
"""Most bytes of a page that are fetched if its head is longer than `WEB_PAGE_BEGINNING_BYTES`. The rest is not looked
at."""

PREVIEW_URL_MAX_LENGTH = 2000
"""Longest URL to which a redirect may lead, in characters."""

IMAGE_MAX_BYTES = 3 * 1024 * 1024
"""Largest picture of a preview, in bytes."""

PREVIEW_REDIRECTS_MAX = 4
"""Most redirects that a request follows."""

PREVIEW_REQUEST_S = 8.0
"""Longest time that each request has, up to the end of its response, in seconds."""

PREVIEW_CONNECTIONS = 8
"""Most connections to the servers of pages at once."""

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class _Response:
    url: str
    content_type: str
    body: bytes

    @property
    def media_type(self) -> str:
        """The type without parameters, such as `text/html`."""
        return self.content_type.partition(";")[0].strip().lower()


class NoPreview(Exception):
    """Raised if a page or its picture is not suitable for a preview. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRules:
    """Which URLs are fetched: as the address of a page, and as that of a page's picture, also after redirects."""

    may_follow: Callable[[str], bool]
    may_show: Callable[[str], bool]


class PageFetcher:
    """An HTTP client that fetches linked pages and pictures from addresses that the rules of `egress` allow.

    Call `close` when done.
    """

    def __init__(self, egress: Egress, rules: FetchRules) -> None:
        self._client = egress.client(EgressLimits(total_s=PREVIEW_REQUEST_S, connections=PREVIEW_CONNECTIONS, idle_s=0))
        self._rules = rules
        self._readers = PageReaders()

    async def page(self, url: str) -> LinkedPage:
        """Fetches a page and returns its title, description, site name and picture's URL. Raises NoPreview for a page
        that is not found, is not HTML or has no title, UnreadablePage, and EgressError if it cannot be fetched.

        A page whose head is long is fetched twice, since nearly all heads are short.
        """
        response, reading = await self._read(url, WEB_PAGE_BEGINNING_BYTES)
        page = reading.page
        if not reading.is_complete and len(response.body) == WEB_PAGE_BEGINNING_BYTES:
            with contextlib.suppress(NoPreview, UnreadablePage, EgressError):
                _, reading = await self._read(response.url, WEB_PAGE_MAX_BYTES)
                page = reading.page or page
        if page is None:
            raise NoPreview("it has no title")
        return page

    async def image(self, url: str) -> bytes:
        """Fetches a picture and returns its bytes, which are not verified to be a picture. Raises NoPreview if the
        rules refuse its address, if it is not found or the response's type is not `image/…`, and EgressError if it
        cannot be fetched or has more than `IMAGE_MAX_BYTES`.
        """
        if not self._rules.may_show(url):
            raise NoPreview("the picture has an address that is not fetched")
        response = await self._get(url, "image/*", BodyReading(IMAGE_MAX_BYTES), self._rules.may_show)
        if not response.media_type.startswith("image/"):
            raise NoPreview("the picture is none")
        return response.body

    async def close(self) -> None:
        await self._client.aclose()
        await asyncio.to_thread(self._readers.close)

    async def _read(self, url: str, size: int) -> tuple[_Response, PageReading]:
        response = await self._get(
            url, "text/html,application/xhtml+xml", BodyReading(size, cut=True), self._rules.may_follow
        )
        if response.media_type not in _HTML:
            raise NoPreview("it is not HTML")
        return response, await self._readers.read(response.body, response.content_type, response.url)

    async def _get(self, url: str, accept: str, reading: BodyReading, may_fetch: Callable[[str], bool]) -> _Response:
        for _ in range(PREVIEW_REDIRECTS_MAX + 1):
            response = await self._client.request("GET", url, headers={"accept": accept}, reading=reading)
            if response.status in _REDIRECTS:
                url = _target(url, response.headers.get("location"), may_fetch)
                continue
            if response.status != HTTPStatus.OK:
                raise NoPreview(f"its status is {response.status}")
            return _Response(url, response.headers.get("content-type", ""), response.body)
        raise NoPreview("there are too many redirects")


def _target(url: str, location: str | None, may_fetch: Callable[[str], bool]) -> str:
    """Returns where a redirect leads. Raises NoPreview if the rules refuse that address."""
    if location is None or len(location) > PREVIEW_URL_MAX_LENGTH:
        raise NoPreview("it leads nowhere")
    try:
        target = urljoin(url, location).partition("#")[0]
    except ValueError:
        target = ""
    if not may_fetch(target):
        raise NoPreview("it leads to an address that is not fetched")
    return target
