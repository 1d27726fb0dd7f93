"""Uploads and downloads over HTTP, by browsers, scripts and attackers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import resource
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from talkwire.core.domain.errors import ChatError
from talkwire.files.byte_store import PARTS, ByteStore, FileKey
from tests.chat.chat_client import ChatClient, Refused
from tests.chat.chat_server import ServerProcess, in_process, running_chat, serving
from tests.chat.conftest import World, world_at
from tests.files import pictures
from tests.files.pictures import HTML, SECRET, SVG
from tests.files.s3 import BUCKET, s3_server, variables
from tests.waiting import deadline, pause, until_asked

FILES = "/api/v1/files"
MAX_SIZE = 1_000_000
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}

Payload = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the server's data folder."""
    return tmp_path_factory.mktemp("files") / "data"


@pytest.fixture(scope="module")
def chat_server(folder: Path) -> Iterator[ServerProcess]:
    environment = {"TALKWIRE_MAX_FILE_SIZE": str(MAX_SIZE), "TALKWIRE_RATE_LIMITS": "off"}
    with running_chat(folder.parent, environment) as server:
        yield server
        assert server.logged_errors() == []


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def metadata(**values: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}".strip() for key, value in values.items())


def checksum(algorithm: str, data: bytes) -> dict[str, str]:
    return {"Upload-Checksum": f"{algorithm} {b64encode(hashlib.new(algorithm, data).digest()).decode()}"}


async def post_form(
    world: World, data: bytes, *, name: str = "a.bin", declared: str = "application/octet-stream", by: str = "alice"
) -> httpx.Response:
    return await world.request("POST", FILES, by=by, files={"file": (name, data, declared)})


async def upload(world: World, data: bytes, **options: str) -> Payload:
    answer = await post_form(world, data, **options)
    assert answer.status_code == 201, answer.text
    file: Payload = answer.json()
    return file


async def begin(world: World, length: int, by: str = "alice", **headers: str) -> str:
    """Starts an upload and returns its path."""
    answer = await world.request("POST", FILES, by=by, headers={**TUS, "Upload-Length": str(length), **headers})
    assert answer.status_code == 201, answer.text
    assert answer.content == b""
    return answer.headers["location"]


async def send(
    world: World, path: str, offset: int, data: bytes | AsyncIterator[bytes], by: str = "alice", **headers: str
) -> httpx.Response:
    headers = {**TUS, **BYTES, "Upload-Offset": str(offset), **headers}
    return await world.request("PATCH", path, by=by, headers=headers, content=data)


async def offset(world: World, path: str, by: str = "alice") -> int:
    answer = await world.request("HEAD", path, by=by, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


async def download(world: World, file: Payload, by: str = "alice", **headers: str) -> httpx.Response:
    return await world.request("GET", file["url"], by=by, headers=headers)


# --- forms ----------------------------------------------------------------------------------------------------------


async def test_a_form_with_a_file_is_answered_with_the_file(world: World) -> None:
    file = await upload(world, b"hello", name="hello.txt", declared="text/plain")
    assert {**file, "id": "", "createdAt": ""} == {
        "id": "",
        "url": f"{FILES}/{file['id']}/hello.txt",
        "name": "hello.txt",
        "contentType": "text/plain",
        "size": 5,
        "createdAt": "",
    }
    assert (await world.request("GET", f"{FILES}/{file['id']}", by="alice")).json() == file
    assert (await download(world, file)).content == b"hello"


async def test_an_image_gets_dimensions_and_a_thumbnail_and_loses_its_metadata(world: World) -> None:
    file = await upload(world, pictures.jpeg(1000, 500, orientation=6), name="me.jpg", declared="text/html")
    assert (file["contentType"], file["width"], file["height"]) == ("image/jpeg", 500, 1000)
    picture = await download(world, file)
    assert picture.headers["content-type"] == "image/jpeg"
    assert len(picture.content) == file["size"]
    assert SECRET.encode() not in picture.content
    thumbnail = await world.request("GET", file["thumbnailUrl"], by="alice")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
    assert pictures.decoded(thumbnail.content).size == (320, 640)
    large = await world.request("GET", f"{file['thumbnailUrl']}?large=true", by="alice")
    assert (large.status_code, large.headers["content-type"]) == (200, "image/webp")
    assert pictures.decoded(large.content).size == (500, 1000)
    assert large.headers["etag"] != thumbnail.headers["etag"]
    refused = await world.request("GET", f"{file['thumbnailUrl']}?large=huge", by="alice")
    assert code(refused) == (422, "invalid_request")


async def test_where_there_is_no_large_thumbnail_the_other_one_is_sent(world: World, folder: Path) -> None:
    old, small = await upload(world, pictures.jpeg(1000, 500)), await upload(world, pictures.jpeg(100, 50))
    [path] = [path for path in stored(folder) if path.name == "large-thumbnail" and old["id"] in path.parts]
    path.unlink()
    for file, size in ((old, (640, 320)), (small, (100, 50))):
        sent = await world.request("GET", f"{file['thumbnailUrl']}?large=true", by="alice")
        assert pictures.decoded(sent.content).size == size
        same = await world.request("GET", file["thumbnailUrl"], by="alice")
        assert sent.headers["etag"] == same.headers["etag"]


async def test_a_form_without_a_file_is_refused(world: World) -> None:
    answer = await world.request("POST", FILES, by="alice", data={"file": "text"}, files={})
    assert code(answer) == (412, "invalid_request")  # neither a form with a file nor a tus request
    parts = {"caption": (None, b"text")}
    assert code(await world.request("POST", FILES, by="alice", files=parts)) == (422, "invalid_request")
    several = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    assert code(await world.request("POST", FILES, by="alice", files=several)) == (422, "invalid_request")


async def test_a_form_that_is_too_large_is_refused_and_nothing_stays(world: World, folder: Path) -> None:
    assert code(await post_form(world, bytes(2 * MAX_SIZE))) == (413, "payload_too_large")
    assert code(await post_form(world, bytes(MAX_SIZE + 1))) == (413, "payload_too_large")
    assert (await upload(world, bytes(MAX_SIZE)))["size"] == MAX_SIZE
    assert on_their_way(folder) == []


def on_their_way(folder: Path) -> list[str]:
    return [path.name for path in (folder / "uploads").iterdir()]


# --- tus ------------------------------------------------------------------------------------------------------------


async def test_options_describes_the_supported_uploads(world: World) -> None:
    answer = await world.request("OPTIONS", FILES)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(MAX_SIZE)
    assert answer.headers["tus-extension"].split(",") == [
        "creation",
        "creation-with-upload",
        "termination",
        "checksum",
        "expiration",
    ]
    assert {"sha1", "sha256"} <= set(answer.headers["tus-checksum-algorithm"].split(","))


async def test_an_upload_in_pieces_becomes_a_file(world: World) -> None:
    path = await begin(world, 11, **{"Upload-Metadata": metadata(filename="a.txt", filetype="text/plain")})
    first = await send(world, path, 0, b"hello ")
    assert (first.status_code, first.headers["upload-offset"]) == (204, "6")
    assert "GMT" in first.headers["upload-expires"]
    assert await offset(world, path) == 6
    assert code(await world.request("GET", path, by="alice")) == (403, "forbidden")
    last = await send(world, path, 6, b"world")
    assert (last.status_code, last.headers["upload-offset"]) == (204, "11")
    assert await offset(world, path) == 11
    file = (await world.request("GET", path, by="alice")).json()
    assert (file["name"], file["contentType"], file["size"]) == ("a.txt", "text/plain", 11)
    assert (await download(world, file)).content == b"hello world"


async def test_the_offset_of_a_finished_image_is_the_uploaded_length(world: World) -> None:
    picture = pictures.jpeg()
    path = await begin(world, len(picture))
    assert (await send(world, path, 0, picture)).status_code == 204
    file = (await world.request("GET", path, by="alice")).json()
    assert file["size"] != len(picture)
    assert await offset(world, path) == len(picture)


@pytest.mark.parametrize("at", [0, 1, 4, 6, 99])
async def test_bytes_at_a_wrong_offset_are_refused(world: World, at: int) -> None:
    path = await begin(world, 10)
    await send(world, path, 0, b"hello")
    assert code(await send(world, path, at, b"x")) == (409, "conflict")
    assert await offset(world, path) == 5


@pytest.mark.parametrize("at", ["", "-1", "five", "0x5", "9" * 30])
async def test_an_offset_that_is_no_number_is_refused(world: World, at: str) -> None:
    path = await begin(world, 10)
    answer = await send(world, path, 0, b"x", **{"Upload-Offset": at})
    assert code(answer) == (422, "invalid_request")
    assert answer.json()["error"]["details"][0]["path"] == "Upload-Offset"


async def test_more_bytes_than_were_announced_are_refused_and_none_is_kept(world: World) -> None:
    path = await begin(world, 10)
    await send(world, path, 0, b"hello")
    assert code(await send(world, path, 5, b"x" * 6)) == (413, "payload_too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 4

    assert code(await send(world, path, 5, chunks())) == (413, "payload_too_large")
    assert await offset(world, path) == 5
    assert (await send(world, path, 5, b"world")).status_code == 204


async def test_no_byte_of_a_far_too_long_body_is_kept(world: World) -> None:
    path = await begin(world, 600_000)
    await send(world, path, 0, b"hello")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(100_000)

    assert code(await send(world, path, 5, chunks())) == (413, "payload_too_large")
    assert await offset(world, path) == 5


@pytest.mark.parametrize("length", ["", "-1", "ten", "1e3"])
async def test_a_length_that_is_no_number_is_refused(world: World, length: str) -> None:
    answer = await world.request("POST", FILES, by="alice", headers={**TUS, "Upload-Length": length})
    assert code(answer) == (422, "invalid_request")


async def test_a_length_beyond_the_limit_is_refused(world: World) -> None:
    answer = await world.request("POST", FILES, by="alice", headers={**TUS, "Upload-Length": str(MAX_SIZE + 1)})
    assert code(answer) == (413, "payload_too_large")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_bytes_that_changed_on_the_way_are_refused(world: World, algorithm: str) -> None:
    path = await begin(world, 10)
    await send(world, path, 0, b"hello", **checksum(algorithm, b"hello"))
    assert code(await send(world, path, 5, b"wurld", **checksum(algorithm, b"world"))) == (460, "invalid_request")
    assert await offset(world, path) == 5
    assert (await send(world, path, 5, b"world", **checksum(algorithm, b"world"))).status_code == 204


async def test_a_checksum_that_is_not_offered_is_a_bad_request(world: World) -> None:
    path = await begin(world, 10)
    assert code(await send(world, path, 0, b"x", **{"Upload-Checksum": "crc32 AAAA"})) == (400, "invalid_request")


async def test_the_first_bytes_may_come_with_the_creation(world: World) -> None:
    headers = {**TUS, **BYTES, "Upload-Length": "10"}
    answer = await world.request("POST", FILES, by="alice", headers=headers, content=b"hello")
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "5")
    assert await offset(world, answer.headers["location"]) == 5


async def test_bytes_of_another_type_are_refused(world: World) -> None:
    path = await begin(world, 10)
    answer = await send(world, path, 0, b"x", **{"Content-Type": "text/plain"})
    assert code(answer) == (415, "invalid_request")


@pytest.mark.parametrize("version", [None, "0.2.2"])
async def test_another_version_of_the_protocol_is_refused(world: World, version: str | None) -> None:
    headers = {"Upload-Length": "1"} | ({} if version is None else {"Tus-Resumable": version})
    answer = await world.request("POST", FILES, by="alice", headers=headers)
    assert (answer.status_code, answer.headers["tus-version"]) == (412, "1.0.0")


async def test_an_upload_is_ended(world: World) -> None:
    path = await begin(world, 10)
    await send(world, path, 0, b"hello")
    assert (await world.request("DELETE", path, by="alice", headers=TUS)).status_code == 204
    assert (await world.request("HEAD", path, by="alice", headers=TUS)).status_code == 403
    assert code(await send(world, path, 5, b"world")) == (403, "forbidden")


async def test_two_requests_at_once_do_not_both_write(world: World) -> None:
    alice = await world.connect("alice")
    path = await begin(world, 10)
    finish = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"hello"
        await finish.wait()
        yield b"world"

    slow = asyncio.create_task(send(world, path, 0, slowly()))
    assert (await alice.next("upload:progress"))["received"] == 5
    for at in (0, 5):
        assert code(await send(world, path, at, b"x")) == (423, "conflict")
    finish.set()
    assert (await slow).status_code == 204
    assert await offset(world, path) == 10


async def test_bytes_received_before_a_broken_connection_are_kept(world: World) -> None:
    alice = await world.connect("alice")
    path = await begin(world, 100_000)
    address = urlsplit(world.server.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = [
        f"PATCH {path} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {world.server.token(world.id_of('alice'))}",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream",
        "Content-Length: 100000",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + bytes(50_000))
    # Acknowledged bytes may still be in memory; they are on the disk once the request has ended.
    assert (await alice.next("upload:progress"))["received"] > 0
    writer.close()
    assert await until_asked(lambda: offset(world, path)) <= 50_000


async def test_only_the_uploader_receives_the_progress(world: World) -> None:
    await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    path = await begin(world, 300_000)
    await send(world, path, 0, bytes(100_000))
    await send(world, path, 100_000, bytes(200_000))
    notified = [payload for _, payload in await alice.pending("upload:progress")]
    upload_id = path.rpartition("/")[2]
    assert {(payload["uploadId"], payload["size"]) for payload in notified} == {(upload_id, 300_000)}
    received = [payload["received"] for payload in notified]
    assert received == sorted(received)
    assert received[-1] == 300_000
    assert await bob.pending("upload:progress") == []


# --- access ---------------------------------------------------------------------------------------------------------


async def test_uploads_of_others_are_forbidden_like_unknown_ones(world: World, folder: Path) -> None:
    path = await begin(world, 10)
    missing = f"{FILES}/{'0' * 32}"
    for target in (path, missing):
        assert (await world.request("HEAD", target, by="bob", headers=TUS)).status_code == 403
        assert code(await send(world, target, 0, b"x", by="bob")) == (403, "forbidden")
        assert code(await world.request("DELETE", target, by="bob", headers=TUS)) == (403, "forbidden")
        assert code(await world.request("GET", target, by="bob")) == (403, "forbidden")
        assert target.rpartition("/")[2] not in str(on_their_way(folder))
    assert await offset(world, path) == 0


async def test_a_file_is_visible_to_users_who_see_its_message(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    file = await upload(world, pictures.jpeg(), name="a.jpg")
    paths = (f"{FILES}/{file['id']}", file["url"], file["thumbnailUrl"])

    async def statuses(by: str) -> set[int]:
        return {(await world.request("GET", path, by=by)).status_code for path in paths}

    assert [await statuses(by) for by in ("alice", "bob", "mallory")] == [{200}, {403}, {403}]
    alice = await world.connect("alice")
    message = await alice.send_message(conversation, "look", attachments=[{"id": file["id"]}])
    assert message["attachments"][0]["url"] == file["url"]
    assert [await statuses(by) for by in ("alice", "bob", "mallory")] == [{200}, {200}, {403}]
    assert code(await world.request("DELETE", paths[0], by="bob")) == (403, "forbidden")
    assert code(await world.request("DELETE", paths[0], by="alice")) == (409, "conflict")
    await world.service("DELETE", f"/api/v1/conversations/{conversation}/members/{world.id_of('carol')}")
    assert await statuses("carol") == {403}
    await alice.done("message:delete", {"messageId": message["id"]})
    assert [await statuses(by) for by in ("alice", "bob")] == [{403}, {403}]


async def test_users_attach_only_their_own_finished_files(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob: ChatClient = await world.connect("bob")
    alices = (await upload(world, b"x"))["id"]
    unfinished = (await begin(world, 5, by="bob")).rpartition("/")[2]
    for file_id in (alices, unfinished, "0" * 32):
        payload = {"conversationId": conversation, "content": "mine", "attachments": [{"id": file_id}]}
        assert (await bob.refused("message:send", payload))["code"] in {"forbidden", "invalid_request"}


async def test_a_file_is_requested_with_a_token(world: World) -> None:
    file = await upload(world, b"x")
    for method, path in (("GET", file["url"]), ("POST", FILES), ("PATCH", f"{FILES}/x"), ("DELETE", f"{FILES}/x")):
        assert (await world.request(method, path)).status_code == 401
    token = world.server.token(world.id_of("alice"))
    assert (await world.request("GET", f"{file['url']}?token={token}")).content == b"x"


async def address_token(world: World, purpose: str, headers: dict[str, str] | None = None) -> str:
    by = "alice" if headers is None else None
    path = "/api/v1/users/me/address-token"
    answer = await world.request("POST", path, by=by, headers=headers or {}, json={"purpose": purpose})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


async def test_an_address_token_opens_what_a_browser_loads_and_nothing_else(world: World) -> None:
    picture = await upload(world, pictures.jpeg(), name="a.jpg", declared="image/jpeg")
    described: dict[str, dict[str, Any]] = (await world.request("GET", "/openapi.json")).json()["paths"]
    loaded = {
        "files": {"/api/v1/files/{file_id}/{name}", "/api/v1/files/{file_id}/thumbnail"},
        "export": {"/api/v1/users/me/export", "/api/v1/users/{user_id}/export"},
    }
    for purpose, paths in loaded.items():
        token = await address_token(world, purpose)
        opened = set()
        for path, methods in described.items():
            named = path.format_map(Names(file_id=picture["id"], name="a.jpg", user_id=world.id_of("alice")))
            for method in methods.keys() & {"get", "put", "post", "patch", "delete", "head"}:
                answer = await world.http.request(method.upper(), f"{named}?token={token}")
                if answer.is_success and "401" in methods[method]["responses"]:
                    assert method == "get"
                    opened.add(path)
        assert opened == paths
        client = await world.open()
        with pytest.raises(Refused, match="only for addresses"):
            await client.sign_in({"token": token})
        answer = await world.request("GET", "/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        assert code(answer) == (401, "unauthenticated")
        assert "only for addresses" in answer.json()["error"]["message"]


class Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "x"


# --- downloads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "declared", "content_type", "shown"),
    [
        (pictures.jpeg(), "a.html", "text/html", "image/jpeg", "inline"),
        (pictures.animation("GIF"), "a.gif", "image/gif", "image/gif", "inline"),
        (b"ID3\x04\0\0\0\0\0\0" + bytes(100), "a.mp3", "audio/mpeg", "audio/mpeg", "inline"),
        (HTML, "a.html", "text/html", "application/octet-stream", "attachment"),
        (HTML, "a.png", "image/png", "application/octet-stream", "attachment"),
        (SVG, "a.svg", "image/svg+xml", "application/octet-stream", "attachment"),
        (b"\x89PNG\r\n\x1a\n" + HTML, "a.png", "image/png", "application/octet-stream", "attachment"),
        (b"GIF89a/*" + HTML, "a.gif", "image/gif", "application/octet-stream", "attachment"),
        (b"%PDF-1.7", "a.pdf", "application/pdf", "application/pdf", "attachment"),
        (b"hello", "a.txt", "text/plain", "text/plain", "attachment"),
    ],
)
async def test_only_safe_types_are_displayed_inline(  # noqa: PLR0917 (as many columns as the table has)
    world: World, data: bytes, name: str, declared: str, content_type: str, shown: str
) -> None:
    file = await upload(world, data, name=name, declared=declared)
    answer = await download(world, file)
    assert answer.headers["content-type"] == file["contentType"] == content_type
    assert answer.headers["content-disposition"].startswith(f"{shown}; filename=")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cache-control"].startswith("private")


async def test_html_hidden_in_a_picture_does_not_come_back(world: World) -> None:
    file = await upload(world, pictures.png() + HTML, name="a.png")
    assert file["contentType"] == "image/png"
    answer = await download(world, file)
    assert b"script" not in answer.content


async def test_a_picture_that_would_exhaust_memory_is_a_file_without_a_thumbnail(world: World, folder: Path) -> None:
    bomb = pictures.png_of_size(50_000, 50_000)
    file = await upload(world, bomb, name="a.png")
    assert (file["name"], file["contentType"], file["size"]) == ("a.png", "application/octet-stream", len(bomb))
    assert file.keys().isdisjoint({"width", "height", "thumbnailUrl"})
    answer = await download(world, file)
    assert answer.content == bomb
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    path = await begin(world, len(bomb))
    assert (await send(world, path, 0, bomb)).status_code == 204
    assert path.rpartition("/")[2] not in str(on_their_way(folder))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("thumbnail", "thumbnail"),
        ('a"; filename="b', None),
        ("à la carte 💶.txt", "à la carte 💶.txt"),
        ("", None),
        ("x" * 500, "x" * 200),
    ],
)
async def test_a_name_is_a_name_and_no_path(world: World, folder: Path, name: str, kept: str | None) -> None:
    path = await begin(world, 1, **{"Upload-Metadata": metadata(filename=name)})
    await send(world, path, 0, b"x")
    file = (await world.request("GET", path, by="alice")).json()
    assert file["name"] == (kept or (name or "file"))
    answer = await download(world, file)
    assert answer.content == b"x"
    assert answer.headers["content-disposition"].count('"') == 2
    assert all(len(part.name) in {2, 32, 64} or part.name in PARTS for part in stored(folder))


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").rglob("*") if path.name != ".folder-id"]


@pytest.mark.parametrize(
    "path", ["..%2f..%2ftalkwire.db", "%2e%2e/%2e%2e/talkwire.db", "....//x", "x/../../lock", "%00", "a" * 5000]
)
async def test_no_path_escapes_the_files_folder(world: World, path: str) -> None:
    refusals = {422} if path == "%00" else {403, 404, 405}
    for target in (f"{FILES}/{path}", f"{FILES}/{path}/content"):
        answer = await world.request("GET", target, by="alice")
        assert answer.status_code in refusals, (target, answer.status_code)
    head = await world.request("HEAD", f"{FILES}/{path}", by="alice", headers=TUS)
    assert head.status_code in refusals


async def test_a_part_of_a_file_is_downloaded(world: World) -> None:
    file = await upload(world, b"0123456789")
    part = await download(world, file, Range="bytes=2-4")
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert (await download(world, file, Range="bytes=-3")).content == b"789"
    beyond = await download(world, file, Range="bytes=10-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
    several = await download(world, file, Range="bytes=0-1,3-4")
    assert (several.status_code, several.content) == (200, b"0123456789")


async def test_an_unchanged_file_is_not_sent_again(world: World) -> None:
    file = await upload(world, b"0123456789")
    etag = (await download(world, file)).headers["etag"]
    again = await download(world, file, **{"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await download(world, file, **{"If-None-Match": '"other"'})).status_code == 200
    assert (await download(world, file, **{"If-Range": etag, "Range": "bytes=0-0"})).status_code == 206
    assert (await download(world, file, **{"If-Range": '"other"', "Range": "bytes=0-0"})).status_code == 200


async def test_an_empty_file_is_a_file(world: World) -> None:
    file = await upload(world, b"")
    assert file["size"] == 0
    answer = await download(world, file)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_avatar_is_visible_to_every_user(world: World) -> None:
    file = await upload(world, pictures.jpeg(), name="me.jpg")
    portrait = {"avatar": file["thumbnailUrl"]}
    await world.request("PATCH", "/api/v1/users/me", by="mallory", json=portrait)
    assert code(await download(world, file, by="mallory")) == (403, "forbidden")
    for shown in (portrait, {"avatar": file["url"]}):
        await world.request("PATCH", "/api/v1/users/me", by="alice", json=shown)
        assert (await download(world, file, by="mallory")).status_code == 200
    await world.request("PATCH", "/api/v1/users/me", by="alice", json={"avatar": None})
    assert code(await download(world, file, by="mallory")) == (403, "forbidden")


async def test_a_file_that_is_no_image_has_no_thumbnail(world: World) -> None:
    file = await upload(world, b"x")
    assert "thumbnailUrl" not in file
    assert code(await world.request("GET", f"{FILES}/{file['id']}/thumbnail", by="alice")) == (403, "forbidden")


# --- pages of other origins -----------------------------------------------------------------------------------------


TUS_HEADERS = ("tus-resumable", "upload-length", "upload-offset", "upload-metadata", "upload-checksum")


async def test_a_page_of_another_origin_may_upload(world: World) -> None:
    origin = {"Origin": "http://localhost:5173"}
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": ",".join(TUS_HEADERS)}
    preflight = await world.request("OPTIONS", f"{FILES}/x", headers={**origin, **asked})
    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert allowed == set(TUS_HEADERS)
    assert {"PATCH", "HEAD", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    created = await world.request("POST", FILES, by="alice", headers={**TUS, **origin, "Upload-Length": "1"})
    exposed = {name.strip().lower() for name in created.headers["access-control-expose-headers"].split(",")}
    assert {"location", "upload-offset", "upload-length", "upload-expires", "tus-resumable"} <= exposed


# --- expired uploads ------------------------------------------------------------------------------------------------


async def test_uploads_that_are_not_finished_in_time_are_swept(tmp_path: Path) -> None:
    server = in_process(tmp_path)
    async with serving(server) as address, world_at(address) as world:
        path = await begin(world, 10)
        await send(world, path, 0, b"hello")
        left = tmp_path / "data" / "uploads" / "0123.bytes"
        left.write_bytes(b"of an upload that was finished when the server was killed")
        await server.files.sweeper.sweep()
        assert not left.exists()
        assert await offset(world, path) == 5
        (tmp_path / "data" / "uploads" / f"{path.rpartition('/')[2]}.picture").write_bytes(b"x")
        with closing(sqlite3.connect(tmp_path / "data" / "talkwire.db")) as database, database:
            database.execute("UPDATE uploads SET expires_ms = 1")
        await server.files.sweeper.sweep()
        assert list((tmp_path / "data" / "uploads").iterdir()) == []
        assert (await world.request("HEAD", path, by="alice", headers=TUS)).status_code == 403


async def test_bytes_that_cannot_be_removed_do_not_block_others(tmp_path: Path) -> None:
    server = in_process(tmp_path)
    async with serving(server) as address, world_at(address) as world:
        on_their_way, finished = tmp_path / "data" / "uploads", tmp_path / "data" / "files"
        ids = await _expired_uploads(world, tmp_path, 5)
        (on_their_way / f"{ids[0]}.picture").mkdir()  # cannot be unlinked
        (finished / ids[1][:2]).mkdir()
        (finished / ids[1][:2] / ids[1]).write_bytes(b"")  # not a folder
        left = [f"{letter * 32}" for letter in "abcdef"]
        for upload_id in left:
            (on_their_way / f"{upload_id}.bytes").write_bytes(b"x")
        (on_their_way / f"{left[0]}.picture").mkdir()
        (finished / "bb").mkdir()
        (finished / "bb" / left[1]).write_bytes(b"")
        with capture_logs() as logged:
            await server.files.sweeper.sweep()
        failed = [entry for entry in logged if entry["event"] == "upload_bytes_not_removed"]
        assert [(entry["count"], set(entry["uploads"])) for entry in failed] == [(2, set(ids[:2])), (2, set(left[:2]))]
        assert "Is a directory" in failed[0]["uploads"][ids[0]]
        assert f"files/{ids[1][:2]}/{ids[1]}: Not a directory" in failed[0]["uploads"][ids[1]]
        assert _waiting(tmp_path) == set(ids[:2])
        assert {path.name[:32] for path in on_their_way.iterdir()} == {*ids[:2], *left[:2]}
        (finished / "bb" / left[1]).unlink()
        await server.files.sweeper.sweep()
        assert {path.name[:32] for path in on_their_way.iterdir()} == {*ids[:2], left[0]}


async def test_bytes_that_cannot_be_removed_are_retried_after_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their removal may take longer than the time for which the sweeper claims them."""
    monkeypatch.setattr("talkwire.files.sweeper.SWEPT_AT_ONCE", 1)
    monkeypatch.setattr("talkwire.files.sweeper.SWEEP_CLAIM_MS", 0)
    server = in_process(tmp_path)
    async with serving(server) as address, world_at(address) as world:
        ids = await _expired_uploads(world, tmp_path, 3)
        obstacle = tmp_path / "data" / "uploads" / f"{ids[0]}.picture"
        obstacle.mkdir()
        for _ in range(2):
            await server.files.sweeper.sweep()
        assert _waiting(tmp_path) == {ids[0]}
        obstacle.rmdir()
        await server.files.sweeper.sweep()
        assert _waiting(tmp_path) == set()


async def _expired_uploads(world: World, folder: Path, count: int) -> list[str]:
    """Starts uploads and lets them expire, the first one first. Returns their ids."""
    ids = [(await begin(world, 10)).rpartition("/")[2] for _ in range(count)]
    with closing(sqlite3.connect(folder / "data" / "talkwire.db")) as database, database:
        database.executemany("UPDATE uploads SET expires_ms = ? WHERE id = ?", enumerate(ids, 1))
    return ids


def _waiting(folder: Path) -> set[str]:
    """Returns the ids of all uploads in the database."""
    with closing(sqlite3.connect(folder / "data" / "talkwire.db")) as database:
        return {upload_id for (upload_id,) in database.execute("SELECT id FROM uploads")}


async def test_an_upload_interrupted_by_a_kill_is_finished_by_the_next_request(tmp_path: Path) -> None:
    async with serving(in_process(tmp_path)) as address, world_at(address) as world:
        path = await begin(world, 10)
        # All bytes had arrived but were not checked yet.
        on_disk = tmp_path / "data" / "uploads" / f"{path.rpartition('/')[2]}.bytes"
        on_disk.write_bytes(b"helloworld")
        assert await offset(world, path) == 10
        assert not on_disk.exists()
        file = (await world.request("GET", path, by="alice")).json()
        assert (await download(world, file)).content == b"helloworld"


async def test_a_client_that_falls_silent_does_not_keep_its_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(in_process(tmp_path)) as address, world_at(address) as world:
        path = await begin(world, 10)
        progressed, answered = asyncio.Event(), asyncio.Event()

        async def half() -> AsyncIterator[bytes]:
            yield b"hell"
            await progressed.wait()
            yield b"o"
            await answered.wait()

        async def takes_over() -> bool:
            return (await send(world, path, await offset(world, path), b"")).status_code == 204

        alice = await world.connect("alice")
        sending = asyncio.create_task(send(world, path, 0, half()))
        await alice.next("upload:progress")
        # The first bytes had the usual limit.
        monkeypatch.setattr("talkwire.api.resources.files.UPLOAD_IDLE_S", 0.1)
        progressed.set()
        await until_asked(takes_over)
        answered.set()
        with contextlib.suppress(httpx.HTTPError):  # the request fails or its connection is closed
            assert code(await sending) == (408, "invalid_request")
        assert await offset(world, path) >= 4


async def test_files_are_stored_on_s3_if_configured(tmp_path: Path) -> None:
    with (
        s3_server() as endpoint,
        running_chat(tmp_path, {"TALKWIRE_FILES": f"{BUCKET}/prefix", **variables(endpoint)}) as server,
    ):
        async with world_at(server) as world:
            file = await upload(world, pictures.jpeg(), name="a.jpg")
            assert len((await download(world, file)).content) == file["size"]
            assert (await download(world, file, Range="bytes=0-1")).content == b"\xff\xd8"
            assert (await world.request("GET", file["thumbnailUrl"], by="alice")).content[:4] == b"RIFF"
            assert (await world.request("DELETE", f"{FILES}/{file['id']}", by="alice")).status_code == 204
        assert server.logged_errors() == []
    assert not (tmp_path / "data" / "files").exists()


# --- quotas and deletion --------------------------------------------------------------------------------------------


async def test_a_users_files_have_a_quota(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_USER_STORAGE": "3000"}) as server:
        async with world_at(server) as world:
            assert code(await post_form(world, b"x" * 3001)) == (413, "payload_too_large")
            kept = await upload(world, b"x" * 1000)
            path = await begin(world, 1500)
            too_long = {**TUS, "Upload-Length": "501"}
            refused = await world.request("POST", FILES, by="alice", headers=too_long)
            assert code(refused) == (413, "payload_too_large")
            assert refused.json()["error"]["details"] == {"storage": 3000, "stored": 2500}
            for gone in (path, f"{FILES}/{kept['id']}"):
                assert (await world.request("DELETE", gone, by="alice")).status_code == 204
            await upload(world, b"x" * 2500)


async def test_concurrent_forms_share_the_quota(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_USER_STORAGE": "50000"}) as server:
        async with world_at(server) as world:
            answers = await asyncio.gather(*(post_form(world, b"x" * 20_000) for _ in range(6)))
            assert sorted(answer.status_code for answer in answers) == [201, 201, 413, 413, 413, 413]


@pytest.mark.parametrize("on_s3", [False, True])
async def test_a_file_is_deleted_with_its_last_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, on_s3: bool
) -> None:
    with contextlib.ExitStack() as stack:
        place = None
        if on_s3:
            place = BUCKET
            for name, value in variables(stack.enter_context(s3_server())).items():
                monkeypatch.setenv(name, value)
        server = in_process(tmp_path, files=place)
        async with serving(server) as address, world_at(address) as world:
            talk = await world.conversation("alice", "bob")
            file = await upload(world, b"hello")
            unused = await upload(world, b"unused")
            body = {"conversationId": talk, "content": "look", "attachments": [{"id": file["id"]}]}
            sent = (await world.request("POST", "/api/v1/messages", by="alice", json=body)).json()
            assert (await world.request("DELETE", f"/api/v1/messages/{sent['id']}", by="alice")).is_success
            for name in ("alice", "bob"):
                assert code(await download(world, file, by=name)) == (403, "forbidden")
            await server.files.sweeper.sweep()
            store = server.files.uploads.store
            assert [await _has_bytes(store, each) for each in (file, unused)] == [False, True]
            assert (await download(world, unused)).content == b"unused"


async def _has_bytes(store: ByteStore, file: Payload) -> bool:
    digest = hashlib.sha256(b"hello" if file["size"] == 5 else b"unused").hexdigest()
    try:
        return await store.total(FileKey(file["id"], digest, "content")) > 0
    except ChatError:
        return False


async def test_bytes_that_another_node_was_about_to_keep_are_swept(tmp_path: Path) -> None:
    """Another node gave up the upload, and this node was killed before it learned of that."""
    server = in_process(tmp_path)
    async with serving(server) as address, world_at(address) as world:
        file = await upload(world, b"hello")
        lost = "f" * 32
        partial = tmp_path / "data" / "uploads" / f"{lost}.bytes"
        partial.write_bytes(b"hello")
        (tmp_path / "data" / "uploads" / f"{file['id']}.bytes").write_bytes(b"hello")
        await server.files.uploads.store.put(FileKey(lost, "d1", "content"), partial)
        await server.files.sweeper.sweep()
        assert not (tmp_path / "data" / "files" / "ff" / lost).exists()
        assert (await download(world, file)).content == b"hello"


# --- failures -------------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_unavailable_and_received_bytes_count(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            path = await begin(world, 6_000_000)
            room = 3_000_000
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            for answer in (
                await send(world, path, 0, b"x" * 6_000_000),
                await post_form(world, b"x" * 6_000_000),
                await send(world, path, room, b"x" * 10),
            ):
                assert code(answer) == (503, "unavailable")
                assert "store files" in answer.json()["error"]["message"]
            assert await offset(world, path) == room
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            assert (await send(world, path, room, b"x" * (6_000_000 - room))).status_code == 204
        errors = server.logged_errors()
        assert {error["event"] for error in errors} == {"upload_not_written"}
        assert not any("exception" in error for error in errors)


async def test_only_the_servers_user_reads_its_files(world: World, folder: Path) -> None:
    await upload(world, pictures.jpeg())
    modes = _modes(folder)
    assert {"talkwire.db", "talkwire.db-wal", "content", "thumbnail"} <= modes.keys()
    assert {name for name, mode in modes.items() if mode & 0o077} == set()


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode for path in folder.rglob("*") if path.is_file()}


async def test_an_upload_that_sends_while_the_server_stops_is_answered(tmp_path: Path) -> None:
    """Closing a connection while bytes arrive resets it, and the client loses the response."""
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            path = await begin(world, 50_000_000)
        parts = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = [
            f"PATCH {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Authorization: Bearer {server.token(world.id_of('alice'))}",
            "Tus-Resumable: 1.0.0",
            "Content-Type: application/offset+octet-stream",
            "Upload-Offset: 0",
            "Content-Length: 50000000",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode())
        for number in range(40):
            writer.write(b"x" * 100_000)
            await writer.drain()
            if number == 10:
                server.process.terminate()
            await pause(0.02)
        async with deadline():
            status = await reader.readline()
        assert status.split()[1] == b"503"
        writer.close()
        assert server.wait_ended() == 0
