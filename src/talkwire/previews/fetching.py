"""Fetches linked pages and their pictures, within limits of time, size and redirects, and only from public
addresses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message as Header
from http import HTTPStatus
from urllib.parse import urljoin

from talkwire.egress import BodyReading, Egress, EgressLimits
from talkwire.previews.page import LinkedPage, page_of

PAGE_MAX_BYTES = 256 * 1024
"""Bytes of a page that are read. What follows is not looked at: a page says what it is in its head."""

IMAGE_MAX_BYTES = 3 * 1024 * 1024
REDIRECTS_MAX = 4
TOTAL_S = 8.0
"""Seconds that each request has, up to the end of its response."""

CONNECTIONS = 8

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class _Response:
    url: str
    content_type: str
    charset: str | None
    body: bytes


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
        self._client = egress.client(EgressLimits(total_s=TOTAL_S, connections=CONNECTIONS, idle_s=0))
        self._rules = rules

    async def page(self, url: str) -> LinkedPage:
        """Fetches a page and returns its title, description, site name and picture's URL. Raises NoPreview for a page
        that is not found, is not HTML or has no title, and EgressError if it cannot be fetched.
        """
        response = await self._get(
            url, "text/html,application/xhtml+xml", BodyReading(PAGE_MAX_BYTES, cut=True), self._rules.may_follow
        )
        if response.content_type not in _HTML:
            raise NoPreview(f"it is {response.content_type or 'of an unknown type'}")
        page = await asyncio.to_thread(page_of, response.body, response.charset, response.url)
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
        if not response.content_type.startswith("image/"):
            raise NoPreview("the picture is none")
        return response.body

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, url: str, accept: str, reading: BodyReading, may_fetch: Callable[[str], bool]) -> _Response:
        for _ in range(REDIRECTS_MAX + 1):
            response = await self._client.request("GET", url, headers={"accept": accept}, reading=reading)
            if response.status in _REDIRECTS:
                url = _target(url, response.headers.get("location"), may_fetch)
                continue
            if response.status != HTTPStatus.OK:
                raise NoPreview(f"its status is {response.status}")
            header = Header()
            header["content-type"] = response.headers.get("content-type", "")
            content_type = header.get_content_type() if header["content-type"] else ""
            return _Response(url, content_type, header.get_content_charset(), response.body)
        raise NoPreview("there are too many redirects")


def _target(url: str, location: str | None, may_fetch: Callable[[str], bool]) -> str:
    """Returns where a redirect leads. Raises NoPreview if the rules refuse that address."""
    try:
        target = urljoin(url, location or "").partition("#")[0]
    except ValueError:
        target = ""
    if location is None or not may_fetch(target):
        raise NoPreview("it leads to an address that is not fetched")
    return target
