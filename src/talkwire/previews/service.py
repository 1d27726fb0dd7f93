"""A background service that fetches the links of new messages and stores their previews."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from talkwire.core.commands.messages import FetchedPreview, SetLinkPreviews
from talkwire.core.domain.actors import PREVIEWER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import Durable, MessageEdited, MessageSent, StreamStateChanged
from talkwire.core.domain.model import Actor, File, Message
from talkwire.core.engine.chat import Chat
from talkwire.egress import EgressError
from talkwire.files.form import FormFile
from talkwire.files.uploads import Interrupted
from talkwire.previews.fetching import IMAGE_MAX_BYTES, NoPreview, PageFetcher
from talkwire.previews.metrics import Outcome, PreviewMetrics
from talkwire.previews.page_readers import UnreadablePage

WAITING_MESSAGES_MAX = 500
"""Most messages that wait. Beyond it, messages get no previews: a queue that only grows would be of no use."""

PREVIEW_WORKERS = 4
"""Most messages whose links are fetched at once."""

MESSAGES_PER_HOST = 1
"""Most messages at once whose first link is on the same host."""

LOOP_TEXT_MAX_LENGTH = 8_000
"""Longest text that is searched for links on the event loop, in characters. Longer ones are searched on a thread,
because the event loop would stand still for too long."""

LINK_S = 10.0
"""Longest time for a link, its page and its picture, in seconds. A message has at most three links."""

_FAILURES = (NoPreview, UnreadablePage, EgressError, OSError)
"""Reasons why a link has no preview, or its preview no picture. TimeoutError is an OSError."""

_logger = structlog.get_logger(__name__)


class ImageUploads(Protocol):
    """The part of the upload service that stores the picture of a linked page as a file."""

    async def store_form_file(self, actor: Actor, form: FormFile, limit: int) -> File: ...


@dataclass(frozen=True, slots=True)
class _Job:
    message: Message
    links: tuple[str, ...]

    @property
    def host(self) -> str:
        return urlsplit(self.links[0]).hostname or ""


class LinkPreviews:
    """A background service that fetches link previews for messages that this node has stored, from `start` to `close`.

    Pass the events of each committed transaction to `note`. `links_in` returns the links in a message's text.
    """

    def __init__(
        self,
        chat: Chat,
        uploads: ImageUploads,
        fetcher: PageFetcher,
        links_in: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._chat = chat
        self._uploads = uploads
        self._fetcher = fetcher
        self._links_in = links_in
        self.metrics = PreviewMetrics()
        self.metrics.waiting = lambda: len(self._waiting)
        self._waiting: deque[_Job] = deque()
        self._busy: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._dropped = 0
        self._workers: list[asyncio.Task[None]] = []
        self._reading: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._workers = [asyncio.create_task(self._work()) for _ in range(PREVIEW_WORKERS)]

    async def close(self) -> None:
        """Cancels the requests in flight and closes the fetcher. Messages that still wait get no previews."""
        for task in (*self._workers, *self._reading):
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._fetcher.close()

    def note(self, events: Sequence[Durable]) -> None:
        """Queues the new and edited messages that contain links, and those whose stream has ended, among the events of
        one transaction that this node has committed. Returns without waiting.
        """
        for event in events:
            if isinstance(event, MessageSent | MessageEdited | StreamStateChanged) and "://" in event.message.content:
                self._enqueue(event.message)

    def _enqueue(self, message: Message) -> None:
        if message.imported or message.without_previews or message.state == "streaming":
            return
        if len(message.content) <= LOOP_TEXT_MAX_LENGTH:
            self._enqueue_links(message, self._links_in(message.content))
            return
        reading = asyncio.create_task(self._read_long(message))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

    async def _read_long(self, message: Message) -> None:
        self._enqueue_links(message, await asyncio.to_thread(self._links_in, message.content))

    def _enqueue_links(self, message: Message, links: tuple[str, ...]) -> None:
        if not links or links == tuple(preview.url for preview in message.previews):
            return
        if len(self._waiting) >= WAITING_MESSAGES_MAX:
            self._dropped += 1
            self.metrics.count("dropped", len(links))
            return
        self._waiting.append(_Job(message, links))
        self._changed.set()

    async def _work(self) -> None:
        while True:  # Suspends: each round takes a message from the queue, or waits for a cleared event.
            job = self._next()
            if job is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                await self._preview(job)
            except ChatError as error:
                _logger.debug("link_preview_failed", message_id=str(job.message.id), reason=str(error))
            except Exception:
                _logger.exception("link_preview_failed", message_id=str(job.message.id))
            finally:
                self._busy[job.host] -= 1
                self._changed.set()

    def _next(self) -> _Job | None:
        """Removes and returns the oldest waiting message whose link is to a host with fewer than `MESSAGES_PER_HOST`
        fetches in progress, and counts one more fetch for this host. Returns None if there is no such message.
        """
        if self._dropped and not self._waiting:
            _logger.warning("link_previews_dropped", messages=self._dropped)
            self._dropped = 0
        for job in self._waiting:
            if self._busy[job.host] < MESSAGES_PER_HOST:
                self._waiting.remove(job)
                self._busy[job.host] += 1
                return job
        self._busy = +self._busy
        return None

    async def _preview(self, job: _Job) -> None:
        known = {preview.url: preview for preview in job.message.previews}
        fetched: list[FetchedPreview] = []
        for link in job.links:
            if link in known:
                before = known[link]
                image_id = None if before.image is None else before.image.id
                fetched.append(FetchedPreview(link, before.title, before.description, before.site_name, image_id))
                continue
            preview = await self._fetch(job.message, link)
            if preview is not None:
                fetched.append(preview)
        if fetched:
            message = job.message
            await self._chat.execute(PREVIEWER, SetLinkPreviews(message.id, message.content, tuple(fetched)))

    async def _fetch(self, message: Message, link: str) -> FetchedPreview | None:
        """Fetches a link and returns its preview; None if the page is unsuitable or cannot be fetched."""
        clock = asyncio.get_running_loop().time
        began = clock()
        preview = None
        outcome: Outcome = "fetched"
        try:
            preview = await self._preview_of(message, link, began + LINK_S)
        except _FAILURES as error:
            outcome = "unsuitable" if isinstance(error, NoPreview) else "failed"
            _logger.debug("link_preview_failed", message_id=str(message.id), reason=str(error) or "it took too long")
        except Exception:
            outcome = "failed"
            _logger.exception("link_preview_failed", message_id=str(message.id))
        self.metrics.observe(outcome, clock() - began)
        return preview

    async def _preview_of(self, message: Message, link: str, deadline: float) -> FetchedPreview:
        """Returns a link's preview, without its picture if that cannot be stored by `deadline`, in the loop's time."""
        async with asyncio.timeout_at(deadline):
            page = await self._fetcher.page(link)
        image_id = None
        if page.image_url is not None:
            with contextlib.suppress(*_FAILURES, ChatError, Interrupted):
                async with asyncio.timeout_at(deadline):
                    image_id = await self._store_image(message, page.image_url)
        return FetchedPreview(link, page.title, page.description, page.site_name, image_id)

    async def _store_image(self, message: Message, url: str) -> str | None:
        """Fetches the picture at `url`, stores it as a file of the message's author, and returns the file's id. Returns
        None if it is not a picture.

        Raises the errors of the fetch and of an upload: the file counts towards the author's storage limit.
        """
        data = await self._fetcher.image(url)
        author = Actor(message.sender_id, message.sender_name)
        file = await self._uploads.store_form_file(author, FormFile("preview", None, _chunks(data)), IMAGE_MAX_BYTES)
        return file.id if file.width is not None else None


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
