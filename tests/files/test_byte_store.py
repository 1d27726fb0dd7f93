"""Bytes in a folder and on S3: one suite, S3 by a server that speaks its protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from talkwire.core.domain.errors import ChatError
from talkwire.files import bucket
from talkwire.files.byte_store import ByteStore, FileKey
from tests.files.s3 import BUCKET, Refusals, s3_server, variables
from tests.files.threads import until_threads_are_done

ID = "0123456789abcdef0123456789abcdef"
CONTENT = FileKey(ID, "d1", "content")
THUMBNAIL = FileKey(ID, "d1", "thumbnail")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


def use(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ByteStore:
    if request.param == "folder":
        return ByteStore(tmp_path / "files")
    use(monkeypatch, request.getfixturevalue("s3"))
    return ByteStore(f"{BUCKET}/some/prefix")


def file(folder: Path, data: bytes) -> Path:
    path = folder / "source"
    path.write_bytes(data)
    return path


async def read(store: ByteStore, place: FileKey, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in await store.read(place, start, end)])


async def missing(store: ByteStore, place: FileKey) -> bool:
    try:
        await store.total(place)
    except ChatError as error:
        return error.code == "forbidden"
    return False


async def test_bytes_are_read_back_in_whole_and_in_part(store: ByteStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * 30_000
    await store.put(CONTENT, file(tmp_path, data))
    assert await store.total(CONTENT) == len(data)
    assert await read(store, CONTENT, 0, len(data)) == data
    assert await read(store, CONTENT, 300, 310) == data[300:310]
    await store.remove(ID)


@pytest.mark.parametrize(("start", "end"), [(0, 2500), (0, 2000), (999, 1001), (1000, 2000), (2499, 2500), (300, 310)])
async def test_bytes_are_the_same_in_however_many_requests(
    store: ByteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: int, end: int
) -> None:
    monkeypatch.setattr(bucket, "RANGE_BYTES", 1000)
    monkeypatch.setattr("talkwire.files.byte_store.FILE_CHUNK_BYTES", 300)
    data = os.urandom(2500)
    await store.put(CONTENT, file(tmp_path, data))
    assert await read(store, CONTENT, start, end) == data[start:end]
    await store.remove(ID)


async def test_an_empty_file_has_no_bytes(store: ByteStore, tmp_path: Path) -> None:
    await store.put(CONTENT, file(tmp_path, b""))
    assert await store.total(CONTENT) == 0
    assert await read(store, CONTENT, 0, 0) == b""
    await store.remove(ID)


async def test_a_file_that_is_shorter_than_its_part_is_unavailable(store: ByteStore, tmp_path: Path) -> None:
    await store.put(CONTENT, file(tmp_path, b"short"))
    with pytest.raises(ChatError) as failed:
        await read(store, CONTENT, 0, 10)
    assert failed.value.code == "unavailable"
    await store.remove(ID)


async def test_no_request_to_s3_stays_open_while_a_client_is_slow(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library ends a request after 30 seconds. So parts that a client reads later are requested later; the object
    may be gone by then.
    """
    use(monkeypatch, s3)
    monkeypatch.setattr(bucket, "RANGE_BYTES", 1000)
    store = ByteStore(f"{BUCKET}/slow")
    await store.put(CONTENT, file(tmp_path, b"x" * 2500))
    reading = await store.read(CONTENT, 0, 2500)
    assert await anext(reading) == b"x" * 1000
    await store.remove(ID)
    with pytest.raises(ChatError) as failed:
        await anext(reading)
    assert failed.value.code == "unavailable"
    await reading.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(reading)


async def test_bytes_that_are_stored_twice_exist_once(store: ByteStore, tmp_path: Path) -> None:
    for _ in range(2):
        await store.put(CONTENT, file(tmp_path, b"same"))
    assert await read(store, CONTENT, 0, 4) == b"same"
    await store.remove(ID)


async def test_other_bytes_of_the_same_file_lie_elsewhere(store: ByteStore, tmp_path: Path) -> None:
    """Two nodes may finish an upload at once: what either of them recorded about its bytes must stay true."""
    other = FileKey(ID, "d2", "content")
    await store.put(CONTENT, file(tmp_path, b"a picture"))
    await store.put(other, file(tmp_path, b"no picture"))
    assert await read(store, CONTENT, 0, 9) == b"a picture"
    await store.remove(ID)


async def test_all_of_a_file_is_removed_and_nothing_else(store: ByteStore, tmp_path: Path) -> None:
    other = FileKey(ID[:-1] + "0", "d1", "content")
    older = FileKey(ID, "d0", "content")
    for place in (CONTENT, THUMBNAIL, older, other):
        await store.put(place, file(tmp_path, b"x"))
    await store.remove(ID)
    assert [await missing(store, place) for place in (CONTENT, THUMBNAIL, older, other)] == [True, True, True, False]
    await store.remove(ID)
    await store.remove(other.file_id)


async def test_reading_missing_bytes_is_forbidden(store: ByteStore) -> None:
    assert await missing(store, CONTENT)
    with pytest.raises(ChatError) as refused:
        await store.read(CONTENT, 0, 1)
    assert refused.value.code == "forbidden"


@pytest.mark.parametrize("status", ["400 Bad Request", "405 Method Not Allowed", "501 Not Implemented"])
async def test_bytes_are_removed_where_s3_has_no_bulk_deletion(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: str
) -> None:
    refusals = Refusals()
    refusals.refused["POST ?delete"] = (status, "NotImplemented", "no")
    with s3_server(refusals) as endpoint:
        use(monkeypatch, endpoint)
        store = ByteStore(BUCKET)
        for place in (CONTENT, THUMBNAIL):
            await store.put(place, file(tmp_path, b"x"))
        await store.remove(ID)
        assert await store.find([ID]) == []


DENIED = ("403 Forbidden", "AccessDenied", "Access Denied.")


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ({"PUT": DENIED}, "PUT .*/bucket/some/talkwire-check-[^:]*: 403 Forbidden: AccessDenied: Access Denied."),
        ({"GET": DENIED}, "GET .*: 403 Forbidden: AccessDenied: Access Denied."),
        ({"DELETE": DENIED}, "DELETE .*: 403 Forbidden: AccessDenied: Access Denied."),
        ({"*": ("404 Not Found", "NoSuchBucket", "The bucket is missing")}, "404 Not Found: NoSuchBucket: The bucket"),
        ({"*": ("403 Forbidden", "RequestTimeTooSkewed", "The clock&apos;s off")}, "TimeTooSkewed: The clock's off"),
        ({"*": ("403 Forbidden", "InvalidAccessKeyId", "key the-secret-key is unknown")}, r"key \*\*\* is unknown"),
    ],
)
async def test_what_is_refused_has_the_services_reason_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refused: dict[str, tuple[str, str, str]], expected: str
) -> None:
    refusals = Refusals()
    with s3_server(refusals) as endpoint, capture_logs() as logged:
        refusals.refused = refused
        use(monkeypatch, endpoint)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-key")
        store = ByteStore(f"{BUCKET}/some")
        with pytest.raises(OSError, match=expected) as failed:
            await store.check()
        refusals.refused["PUT"] = next(iter(refused.values()))
        with pytest.raises(ChatError):
            await store.put(CONTENT, file(tmp_path, b"x"))
    assert "id-of-the-key" not in str(failed.value)
    assert logged[-1]["reason"].partition(": ")[2] == str(failed.value).partition(": ")[2]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AWS_ENDPOINT_URL", "http://s3.example.com", "AWS_ENDPOINT_URL: begins with http://.*AWS_ALLOW_HTTP=true"),
        ("AWS_ENDPOINT", "http://s3.example.com", "AWS_ENDPOINT: begins with http://"),
        ("AWS_ENDPOINT_URL_S3", "s3.example.com", "AWS_ENDPOINT_URL_S3: must be an address such as https://"),
        ("AWS_ENDPOINT_URL", "https://an address", "AWS_ENDPOINT_URL: must be an address"),
        ("AWS_ENDPOINT_URL", "https://user:secret@s3.example.com", "AWS_ENDPOINT_URL: must not contain a user"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(OSError, match=expected) as refused:
        ByteStore(BUCKET)
    assert "secret" not in str(refused.value)


async def test_a_responding_store_passes_its_check_and_keeps_nothing_of_it(store: ByteStore, tmp_path: Path) -> None:
    await store.check()
    left = [name for _, folders, files in os.walk(tmp_path / "files") for name in (*folders, *files)]
    assert left == []


async def test_a_store_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    use(monkeypatch, f"http://127.0.0.1:{port}")
    store = ByteStore(BUCKET)
    with pytest.raises(OSError, match="Connection refused"):
        await store.check()
    for call in (store.put(CONTENT, file(tmp_path, b"x")), store.total(CONTENT), store.remove(ID)):
        with pytest.raises(ChatError) as refused:
            await call
        assert refused.value.code == "unavailable"


async def test_a_bucket_that_is_not_there_is_unavailable(
    s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, s3)
    with pytest.raises(ChatError) as refused:
        await ByteStore("s3://no-such-bucket").put(CONTENT, file(tmp_path, b"x"))
    assert refused.value.code == "unavailable"


def test_a_folder_that_cannot_be_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "files"
    with pytest.raises(OSError, match=f"^{folder}: {folder.parent}: is not a folder$"):
        ByteStore(folder)


async def test_an_emptied_folder_goes_too(tmp_path: Path) -> None:
    store = ByteStore(tmp_path / "files")
    await store.put(CONTENT, file(tmp_path, b"x"))
    await store.remove(ID)
    assert list((tmp_path / "files").rglob(ID)) == []


async def test_a_cancelled_read_keeps_no_descriptor(tmp_path: Path) -> None:
    store = ByteStore(tmp_path / "files")
    await store.put(CONTENT, file(tmp_path, b"x"))
    before = await descriptors()
    for _ in range(50):
        await cancelled(store.read(CONTENT, 0, 1))
    assert await descriptors() == before


async def test_a_reading_whose_closing_is_cancelled_keeps_no_descriptor(tmp_path: Path) -> None:
    store = ByteStore(tmp_path / "files")
    await store.put(CONTENT, file(tmp_path, b"x"))
    before = await descriptors()
    busy = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    for _ in range(50):
        reading = await store.read(CONTENT, 0, 1)
        busy.clear()
        waiting = loop.run_in_executor(None, busy.wait)  # so that no thread is free to close it
        await cancelled(reading.aclose())
        del reading
        busy.set()
        await waiting
    assert await descriptors() == before


async def cancelled(call: Coroutine[Any, Any, object]) -> None:
    """Cancels a call after its first step."""
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def descriptors() -> int:
    """How many this process has, once its threads are done."""
    await until_threads_are_done()
    return len(await asyncio.to_thread(os.listdir, "/proc/self/fd"))
