"""Previews of links, fetched by a running server from a server of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from talkwire.commands import CreateConversation, SendMessage
from talkwire.previews.fetching import PREVIEW_REDIRECTS_MAX, WEB_PAGE_BEGINNING_BYTES, WEB_PAGE_MAX_BYTES
from talkwire.previews.page import PageReading
from talkwire.previews.page_readers import PageReaders, UnreadablePage
from talkwire.previews.service import LOOP_TEXT_MAX_LENGTH
from talkwire.testing import temporary_server
from talkwire.testing.server import TemporaryServer
from tests.egress.receiver import ReceivedRequest, Receiver, Respond, receiver, response
from tests.files import pictures
from tests.push.push_service import Rest, rest_of
from tests.waiting import until_asked

HTML = "content-type: text/html; charset=utf-8"
PAGE = b"""<title>A page</title><meta property=og:description content="About it">
<meta property=og:site_name content=Site><meta property=og:image content=/picture.jpg>"""


def page_with_picture(address: str) -> bytes:
    return f"<title>A</title><meta property=og:image content='{address}'>".encode()


class Site:
    """A web site on this machine, whose pages are set by path."""

    def __init__(self) -> None:
        self.pages = {
            "/page": response("200 OK", PAGE, HTML),
            "/other": response("200 OK", b"<title>Other</title>", HTML),
            "/picture.jpg": response("200 OK", pictures.jpeg(800, 400), "content-type: image/jpeg"),
            "/text": response("200 OK", b"<title>a</title>", "content-type: text/plain"),
            "/gone": response("404 Not Found", PAGE, HTML),
            "/long": response("200 OK", b"<title>Long</title>" + b" " * (WEB_PAGE_MAX_BYTES * 2), HTML),
            "/moved": response("302 Found", b"", "location: /page"),
            "/away": response("302 Found", b"", "location: http://user:word@127.0.0.1/page"),
            "/metadata": response("302 Found", b"", "location: http://169.254.169.254/latest"),
            "/private": response("302 Found", b"", "location: http://10.1.2.3/"),
            "/circle": response("302 Found", b"", "location: /circle"),
            "/to-a-token": response("302 Found", b"", "location: /picture.jpg?token=1"),
        }
        self.receiver: Receiver

    async def respond(self, request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        path = request.line.split(" ")[1]
        await self.pages.get(path, response("404 Not Found"))(request, writer)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.receiver.port}{path}"

    @property
    def fetched(self) -> list[str]:
        return [request.line.split(" ")[1] for request in self.receiver.requests]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with receiver(site.respond) as site.receiver:
        yield site


@pytest.fixture
async def server() -> AsyncIterator[TemporaryServer]:
    async with temporary_server(link_previews=True, link_preview_allow=("127.0.0.0/8",)) as server:
        yield server


@pytest.fixture
async def rest(server: TemporaryServer) -> AsyncIterator[Rest]:
    async with rest_of(server) as rest:
        for name in ("alice", "bob"):
            await rest("GET", "users/me", name)
        await server.chat.execute(CreateConversation("group", ("alice", "bob"), name="Team", id="team"))
        yield rest


async def send(rest: Rest, content: str) -> str:
    message = await rest("POST", "messages", "alice", 201, json={"conversationId": "team", "content": content})
    return str(message["id"])


async def status(rest: Rest, method: str, path: str, by: str) -> int:
    url = f"{rest.server.url}/api/v1/{path}"
    return (await rest.client.request(method, url, headers=rest.server.headers(by))).status_code


async def read(rest: Rest, message_id: str, by: str = "bob") -> dict[str, Any]:
    message: dict[str, Any] = await rest("GET", f"messages/{message_id}", by)
    return message


async def previews(rest: Rest, message_id: str) -> list[dict[str, Any]]:
    """Waits until a message has previews."""

    async def has_some() -> bool:
        return "previews" in await read(rest, message_id)

    await until_asked(has_some)
    found: list[dict[str, Any]] = (await read(rest, message_id))["previews"]
    return found


async def settled(rest: Rest, site: Site) -> None:
    """Waits until everything before was fetched: messages of one site are fetched in order."""
    await previews(rest, await send(rest, site.url("/other")))


async def test_a_message_gets_the_preview_of_its_link(rest: Rest, site: Site) -> None:
    sent = await send(rest, f"Look: {site.url('/page')}")
    (preview,) = await previews(rest, sent)
    image = preview.pop("image")
    assert preview == {"url": site.url("/page"), "title": "A page", "description": "About it", "siteName": "Site"}
    assert (image["width"], image["height"]) == (800, 400)
    assert image["url"].startswith("/api/v1/files/")
    message = await read(rest, sent)
    assert "editedAt" not in message
    assert site.fetched == ["/page", "/picture.jpg"]
    # The picture is no file that somebody has sent.
    assert (await rest("GET", "conversations/team/files", "bob"))["items"] == []
    assert "cookie" not in site.receiver.requests[0].headers
    assert "referer" not in site.receiver.requests[0].headers


async def test_a_long_message_gets_the_preview_of_its_link(rest: Rest, site: Site) -> None:
    (preview,) = await previews(rest, await send(rest, "- `a`\n" * LOOP_TEXT_MAX_LENGTH + site.url("/other")))
    assert preview["url"] == site.url("/other")


async def test_clients_that_catch_up_learn_of_a_preview(rest: Rest, site: Site) -> None:
    state = await rest("GET", "sync", "bob")
    sent = await send(rest, site.url("/other"))
    (preview,) = await previews(rest, sent)
    events = (await rest("GET", f"sync?after={state['cursor']}", "bob"))["events"]
    assert [event["event"] for event in events] == ["message:new", "message:updated"]
    assert events[1]["data"]["previews"] == [preview]


@pytest.mark.parametrize(
    "path", ["/text", "/gone", "/away", "/metadata", "/private", "/circle", "/page?token=1", "/nowhere"]
)
async def test_what_is_no_public_page_gets_no_preview(rest: Rest, site: Site, path: str) -> None:
    sent = await send(rest, site.url(path))
    await settled(rest, site)
    assert "previews" not in await read(rest, sent)
    wanted = {"/page?token=1": 0, "/circle": PREVIEW_REDIRECTS_MAX + 1}.get(path, 1)
    assert site.fetched == [path] * wanted + ["/other"]


async def test_redirects_are_followed_and_long_pages_are_cut(rest: Rest, site: Site) -> None:
    (moved,) = await previews(rest, await send(rest, site.url("/moved")))
    assert (moved["url"], moved["title"]) == (site.url("/moved"), "A page")
    (long,) = await previews(rest, await send(rest, site.url("/long")))
    assert long["title"] == "Long"


async def test_a_long_head_is_read_to_its_end(rest: Rest, site: Site) -> None:
    head = (
        b"<title>A</title><style>" + b" " * WEB_PAGE_BEGINNING_BYTES + b"</style><meta name=description content=Late>"
    )
    site.pages["/head"] = response("200 OK", head + b"<body>" + b" " * WEB_PAGE_MAX_BYTES, HTML)
    site.pages["/body"] = response("200 OK", b"<title>B</title><body>" + b" " * WEB_PAGE_MAX_BYTES, HTML)
    sent = await send(rest, f"{site.url('/head')} {site.url('/body')}")
    assert [page.get("description") for page in await previews(rest, sent)] == ["Late", None]
    assert site.fetched == ["/head", "/head", "/body"]


@pytest.mark.parametrize(
    "second", [response("429 Too Many Requests"), response("200 OK", b"<p>text", HTML)], ids=["refused", "another"]
)
async def test_what_was_read_of_a_long_head_counts_without_its_rest(rest: Rest, site: Site, second: Respond) -> None:
    async def first_only(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        first = response("200 OK", b"<title>A</title><style>" + b" " * WEB_PAGE_BEGINNING_BYTES, HTML)
        await (first if site.fetched.count("/head") == 1 else second)(request, writer)

    site.pages["/head"] = first_only
    (page,) = await previews(rest, await send(rest, site.url("/head")))
    assert (page["title"], site.fetched) == ("A", ["/head", "/head"])


@pytest.mark.parametrize(
    "address",
    [
        "/picture.jpg?token=1",
        "/picture.jpg?a=b&X-Amz-Signature=c",
        "http://user:word@127.0.0.1/picture.jpg",
        "http://127.0.0.1:99999/",
        "/to-a-token",
        "http://169.254.169.254/latest",
    ],
)
async def test_a_picture_is_fetched_by_the_rules_for_links(rest: Rest, site: Site, address: str) -> None:
    site.pages["/pictured"] = response("200 OK", page_with_picture(address), HTML)
    (preview,) = await previews(rest, await send(rest, site.url("/pictured")))
    assert "image" not in preview
    assert site.fetched == ["/pictured", *["/to-a-token"] * (address == "/to-a-token")]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html; charset*" + "9" * 4400 + "=x",
        "text/html; charset*=x; charset*0=a; charset*1*=b''%ff",
        "text/html" + ";" * 7000,
        "text/html; a=" + '";' * 3500,
        'text/html; charset="a\x01b"',
        "text/html; charset=punycode",
        "text/html; charset=\u00ff\u00fe",
    ],
)
async def test_no_header_costs_a_message_its_previews(rest: Rest, site: Site, content_type: str) -> None:
    body = b"<title>Odd</title>-99999a"
    site.pages["/odd"] = response("200 OK", body, f"content-type: {content_type}")
    with capture_logs() as logs:
        shown = await previews(rest, await send(rest, f"{site.url('/odd')} {site.url('/other')}"))
    assert [page["title"] for page in shown][-1] == "Other"
    assert [line for line in logs if line["log_level"] in {"error", "critical"}] == []


@pytest.mark.parametrize(
    "location", ["http://[", "//[::1", "\\\\", "http://a:99999999/", "x" * 7000, "http://\u00fc", "?" * 900]
)
async def test_no_redirect_costs_a_message_its_previews(rest: Rest, site: Site, location: str) -> None:
    site.pages["/odd"] = response("302 Found", b"", f"location: {location}")
    with capture_logs() as logs:
        shown = await previews(rest, await send(rest, f"{site.url('/odd')} {site.url('/other')}"))
    assert [page["title"] for page in shown] == ["Other"]
    assert [line for line in logs if line["log_level"] in {"error", "critical"}] == []


@pytest.mark.parametrize("location", ["/東京?q=ä", "/%E6%9D%B1%E4%BA%AC?q=%C3%A4", "東京?q=ä"])
async def test_a_redirect_may_have_letters_of_any_script(rest: Rest, site: Site, location: str) -> None:
    site.pages["/odd"] = response("302 Found", b"", f"location: {location}")
    site.pages["/%E6%9D%B1%E4%BA%AC?q=%C3%A4"] = response("200 OK", b"<title>Tokyo</title>", HTML)
    (page,) = await previews(rest, await send(rest, site.url("/odd")))
    assert page["title"] == "Tokyo"


@pytest.mark.parametrize(
    "error", [UnreadablePage("it takes too much memory"), TimeoutError(), RuntimeError("a defect")]
)
async def test_a_page_that_is_too_much_costs_its_own_preview_alone(
    rest: Rest, site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    read = PageReaders.read

    async def read_some(readers: PageReaders, body: bytes, content_type: str, url: str) -> PageReading:
        if url.endswith("/page"):
            raise error
        return await read(readers, body, content_type, url)

    monkeypatch.setattr(PageReaders, "read", read_some)
    sent = await send(rest, f"{site.url('/page')} {site.url('/other')}")
    assert [page["title"] for page in await previews(rest, sent)] == ["Other"]


async def test_an_edited_message_has_the_previews_of_its_new_text(rest: Rest, site: Site) -> None:
    sent = await send(rest, f"{site.url('/page')} {site.url('/other')}")
    assert [each["title"] for each in await previews(rest, sent)] == ["A page", "Other"]
    edited = await rest("PATCH", f"messages/{sent}", "alice", json={"content": f"only {site.url('/other')}"})
    assert [each["title"] for each in edited["previews"]] == ["Other"]
    await settled(rest, site)
    assert site.fetched.count("/other") == 2, "a known page is not fetched again"


async def test_an_author_removes_previews_for_good(rest: Rest, site: Site) -> None:
    sent = await send(rest, site.url("/page"))
    (preview,) = await previews(rest, sent)
    assert await status(rest, "DELETE", f"messages/{sent}/previews", "bob") == 403
    assert "previews" not in await rest("DELETE", f"messages/{sent}/previews", "alice")
    assert "previews" not in await read(rest, sent)
    assert await status(rest, "GET", preview["image"]["url"].removeprefix("/api/v1/"), "bob") == 403
    await rest("PATCH", f"messages/{sent}", "alice", json={"content": f"again {site.url('/page')}"})
    await settled(rest, site)
    assert "previews" not in await read(rest, sent)


async def test_a_deleted_message_has_no_preview_and_its_picture_is_gone(rest: Rest, site: Site) -> None:
    sent = await send(rest, site.url("/page"))
    (preview,) = await previews(rest, sent)
    path = preview["image"]["url"].removeprefix("/api/v1/")
    assert await status(rest, "GET", path, "bob") == 200
    assert await status(rest, "DELETE", f"messages/{sent}", "alice") == 204
    assert "previews" not in await read(rest, sent)
    assert await status(rest, "GET", path, "bob") == 403


async def test_metrics_count_links_by_outcome(rest: Rest, site: Site) -> None:
    await send(rest, f"{site.url('/page')} {site.url('/text')} http://127.0.0.1:1/closed")
    await settled(rest, site)
    metrics = (await rest.client.get(f"{rest.server.url}/metrics")).text
    for outcome, count in {"fetched": 2, "unsuitable": 1, "failed": 1, "dropped": 0}.items():
        assert f'talkwire_link_previews_total{{outcome="{outcome}"}} {count}.0' in metrics
    assert "talkwire_link_preview_duration_seconds_count 4.0" in metrics
    assert "talkwire_link_previews_waiting 0.0" in metrics


async def test_imported_messages_get_no_previews(server: TemporaryServer, rest: Rest, site: Site) -> None:
    command = SendMessage("team", site.url("/page"), sender_id="alice", created_ms=1_600_000_000_000)
    await server.chat.execute(command)
    await settled(rest, site)
    assert site.fetched == ["/other"]


async def test_nothing_is_fetched_unless_the_operator_wants_it(site: Site) -> None:
    without: dict[str, Any] = {}
    for settings in (without, {"link_previews": True}):
        async with temporary_server(**settings) as server, rest_of(server) as rest:
            await rest("GET", "users/me", "alice")
            await server.chat.execute(CreateConversation("group", ("alice",), name="Team", id="team"))
            await send(rest, site.url("/page"))
    assert site.fetched == []
