"""Routes of `/api/v1/files`: uploads by the tus protocol (resumable uploads) or as a form, and downloads.

Request bodies are streamed and never held in memory. Browsers load `<img src>` without an `Authorization` header, so
downloads also accept an address token in the query.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from email.utils import formatdate
from http import HTTPStatus
from typing import Annotated, Any, cast
from urllib.parse import quote

from litestar import HttpMethod, MediaType, Request, Response, Router, delete, get, head, patch, post
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_204_NO_CONTENT

from talkwire.api.description.counterparts import executes
from talkwire.api.description.openapi import TAKES_FORM
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.caller import takes_address_token
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenUploads
from talkwire.api.http.device import GivenTrustedProxies, address_of
from talkwire.api.http.download import Download
from talkwire.api.http.errors import error_body, on_chat_error
from talkwire.api.http.lingering import Lingering
from talkwire.api.http.methods import BODILESS
from talkwire.core.commands.files import CreateUpload, DropFile, FinishUpload, GetFile, GetUpload
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, File, Upload
from talkwire.core.engine.limits import Kind
from talkwire.files import tus
from talkwire.files.byte_store import FileKey, Part
from talkwire.files.form import FRAME_MAX_BYTES, boundary_of, file_in_form
from talkwire.files.holders import FORWARDED, ForwardedRequest, HeldElsewhere, HolderAway
from talkwire.files.ranges import Unsatisfiable, part_of
from talkwire.files.sniffing import is_inline
from talkwire.files.tus import TusRefusal, UploadChecksum
from talkwire.files.uploads import Interrupted, State, Uploads
from talkwire.operations.operation import OWN
from talkwire.payloads.files import FilePayload, file_payload

UPLOAD_IDLE_S = 30.0
"""Seconds that a request's body may pause. After that the request ends, so that a lost client can resume its upload."""

_ROOT = "/api/v1/files"
_THUMBNAIL_TYPE = "image/webp"
_TUS = {"Tus-Resumable": tus.TUS_VERSION}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, max-age=86400",
}

_TUS_STATUSES = (400, 408, 410, 412, 413, 415, 423, 460)
"""Statuses that the tus protocol defines."""

_FORWARDED = frozenset(
    {
        *("tus-resumable", "tus-version", "upload-offset", "upload-length", "upload-expires"),
        *("cache-control", "retry-after", "www-authenticate"),
    }
)
"""Headers of another node's response that are passed on to the client."""

_PARTS = {
    206: ResponseSpec(bytes, description="The requested range", media_type="*/*", generate_examples=False),
    304: ResponseSpec(None, description="Not Modified", generate_examples=False),
}

AnyRequest = Request[Any, Any, Any]
Large = Annotated[
    bool, QueryParameter(description="The thumbnail of up to 1280 pixels instead of 640, if the picture has one")
]


# --- uploads --------------------------------------------------------------------------------------------------------


@HTTPRouteHandler("/", http_method=[HttpMethod.OPTIONS], status_code=HTTP_204_NO_CONTENT, include_in_schema=False)
async def describe_uploads(uploads: GivenUploads) -> Response[None]:
    headers = {
        **_TUS,
        "Tus-Version": tus.TUS_VERSION,
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
        "Tus-Max-Size": str(uploads.limits.max_file_size),
    }
    return Response(None, status_code=HTTP_204_NO_CONTENT, headers=headers)


@post(
    "/",
    operation_id="uploadFile",
    summary="Upload a file, or start a resumable upload (tus 1.0)",
    description="With the header `Tus-Resumable`, starts an upload and returns its address in `Location`. With a form "
    "(`multipart/form-data`) of one file, uploads the file and returns its description.",
    request_max_body_size=None,
    opt={**may_refuse(*_TUS_STATUSES), **TAKES_FORM, **executes(CreateUpload, FinishUpload, unaudited=OWN)},
)
async def create_upload(
    request: AnyRequest, caller: GivenCaller, chat: GivenChat, uploads: GivenUploads
) -> Response[FilePayload | None]:
    chat.take_or_refuse(caller.actor, Kind.UPLOADS)
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is not None and "tus-resumable" not in request.headers:
        return Response(await _take_form(request, boundary, caller.actor, uploads), status_code=HTTP_201_CREATED)
    tus.check_version(request.headers)
    length = tus.upload_length(request.headers, uploads.limits.max_file_size)
    metadata = tus.upload_metadata(request.headers)
    checksum = tus.upload_checksum(request.headers)
    brings_bytes = _body_length(request) != 0
    if brings_bytes:
        tus.check_body_type(request.headers)
        _must_fit(request, length)
    name = metadata.get("filename") or metadata.get("name") or ""
    upload = await uploads.create(caller.actor, name, metadata.get("filetype") or metadata.get("type"), length)
    state = State(length, 0, upload.expires_ms)
    if brings_bytes:
        state = await _first_bytes(request, caller.actor, uploads, upload, checksum)
    headers = {"Location": f"{_ROOT}/{upload.id}", **_state_headers(state)}
    return Response(None, status_code=HTTP_201_CREATED, headers=headers, media_type=MediaType.TEXT)


@head(
    "/{file_id:str}",
    operation_id="getUploadState",
    summary="Get how many bytes of an upload have arrived (tus 1.0)",
    status_code=HTTP_200_OK,
    opt={**may_refuse(*_TUS_STATUSES), **executes(GetUpload)},
)
async def upload_state(
    file_id: FromPath[str],
    request: AnyRequest,
    caller: GivenCaller,
    uploads: GivenUploads,
    trusted_proxies: GivenTrustedProxies,
) -> Response[None]:
    tus.check_version(request.headers)
    try:
        state = await uploads.state(caller.actor, file_id)
    except HeldElsewhere as held:
        return await _forward(held, request, uploads, trusted_proxies)
    headers = {**_state_headers(state), "Upload-Length": str(state.length), "Cache-Control": "no-store"}
    return Response(None, status_code=HTTP_200_OK, headers=headers, media_type=MediaType.TEXT)


@patch(
    "/{file_id:str}",
    status_code=HTTP_204_NO_CONTENT,
    operation_id="sendUploadBytes",
    summary="Send the next bytes of an upload (tus 1.0)",
    request_max_body_size=None,
    opt={**may_refuse(*_TUS_STATUSES), **executes(GetUpload, FinishUpload, unaudited=OWN)},
)
async def send_bytes(
    file_id: FromPath[str],
    request: AnyRequest,
    caller: GivenCaller,
    uploads: GivenUploads,
    trusted_proxies: GivenTrustedProxies,
) -> Response[None]:
    try:
        return await _receive(file_id, request, caller.actor, uploads)
    except HeldElsewhere as held:
        return await _forward(held, request, uploads, trusted_proxies)


@post(
    "/{file_id:str}",
    status_code=HTTP_204_NO_CONTENT,
    operation_id="overrideUploadMethod",
    summary="Send bytes of an upload, or delete it, where only POST is possible (tus 1.0)",
    request_max_body_size=None,
    opt={**may_refuse(*_TUS_STATUSES, 405), **executes(GetUpload, FinishUpload, DropFile, unaudited=OWN)},
)
async def overridden(
    file_id: FromPath[str],
    request: AnyRequest,
    caller: GivenCaller,
    uploads: GivenUploads,
    trusted_proxies: GivenTrustedProxies,
) -> Response[None]:
    """Handles a POST request that names PATCH or DELETE in the header `X-HTTP-Method-Override` as a request with that
    method. The tus protocol defines this for clients behind proxies that only allow GET and POST."""
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            try:
                return await _receive(file_id, request, caller.actor, uploads)
            except HeldElsewhere as held:
                return await _forward(held, request, uploads, trusted_proxies)
        case "DELETE":
            return await _drop(file_id, request, caller.actor, uploads, trusted_proxies)
        case _:
            raise MethodNotAllowedException(headers={"allow": "DELETE, GET, PATCH, POST"})


@delete(
    "/{file_id:str}",
    status_code=HTTP_204_NO_CONTENT,
    operation_id="deleteFile",
    summary="Delete an upload (tus 1.0), or a file that no message refers to",
    opt=executes(DropFile, unaudited=OWN),
)
async def drop_file(
    file_id: FromPath[str],
    request: AnyRequest,
    caller: GivenCaller,
    uploads: GivenUploads,
    trusted_proxies: GivenTrustedProxies,
) -> Response[None]:
    return await _drop(file_id, request, caller.actor, uploads, trusted_proxies)


async def _first_bytes(
    request: AnyRequest, actor: Actor, uploads: Uploads, upload: Upload, checksum: UploadChecksum | None
) -> State:
    """Stores the bytes that were sent in the request that created an upload, and returns the upload's state. If the
    request is interrupted, the bytes received until then are kept, unless they should match a `checksum`."""
    try:
        return await uploads.receive(actor, upload.id, 0, _body(request, uploads), checksum)
    except Interrupted:
        return await uploads.state(actor, upload.id)


async def _take_form(request: AnyRequest, boundary: str, actor: Actor, uploads: Uploads) -> FilePayload:
    limit = uploads.limits.max_file_size
    _must_fit(request, limit + FRAME_MAX_BYTES)
    length = _body_length(request)
    try:
        form = await file_in_form(boundary, _body(request, uploads))
        return file_payload(await uploads.store_form_file(actor, form, limit if length is None else min(limit, length)))
    except Interrupted:
        raise _interrupted(uploads) from None


async def _receive(file_id: str, request: AnyRequest, actor: Actor, uploads: Uploads) -> Response[None]:
    tus.check_version(request.headers)
    tus.check_body_type(request.headers)
    offset = tus.upload_offset(request.headers)
    checksum = tus.upload_checksum(request.headers)
    try:
        state = await uploads.receive(actor, file_id, offset, _body(request, uploads), checksum)
    except Interrupted:
        raise _interrupted(uploads) from None
    return Response(None, status_code=HTTP_204_NO_CONTENT, headers=_state_headers(state))


async def _drop(
    file_id: str, request: AnyRequest, actor: Actor, uploads: Uploads, trusted_proxies: frozenset[str]
) -> Response[None]:
    """Deletes an upload and returns the response, status 204. If another node has the upload's bytes on disk, that node
    handles the request; if it is not running, it removes the bytes when it runs again."""
    held = await uploads.find_other_holder(actor, file_id)
    if held is not None and not request.scope.get(FORWARDED):
        with contextlib.suppress(HolderAway, TusRefusal):
            return await _forward(held, request, uploads, trusted_proxies)
    await uploads.drop(actor, file_id)
    return Response(None, status_code=HTTP_204_NO_CONTENT, headers=_TUS)


async def _forward(
    held: HeldElsewhere, request: AnyRequest, uploads: Uploads, trusted_proxies: frozenset[str]
) -> Response[None]:
    """Passes a request to the node that has the upload's bytes, and returns that node's response. Raises HolderAway if
    that node cannot be reached, also if another node has already forwarded the request to this one; another ChatError
    if the request's body ends too early, since the client or the server stops."""
    if uploads.holders is None or request.scope.get(FORWARDED):
        raise HolderAway("The node that holds this upload is not running. Try again later.")
    target = f"{request.scope['raw_path'].decode('latin-1')}?{request.scope['query_string'].decode('latin-1')}"
    address = address_of(request, trusted_proxies)
    forwarded = ForwardedRequest(request.scope["method"], target, address, tuple(request.scope["headers"]))
    try:
        answer = await uploads.holders.forward(held.folder_id, forwarded, _body(request, uploads))
    except Interrupted:
        raise _interrupted(uploads) from None
    headers = {name.title(): value for name, value in answer.headers.items() if name in _FORWARDED}
    media_type = answer.headers.get("content-type", MediaType.TEXT)
    response = Response(answer.body or None, status_code=answer.status, headers=headers, media_type=media_type)
    return cast("Response[None]", response)  # only an error response has a body, which the routes' types do not include


def _state_headers(state: State) -> dict[str, str]:
    headers = {**_TUS, "Upload-Offset": str(state.offset)}
    if state.expires_ms is not None:
        headers["Upload-Expires"] = formatdate(state.expires_ms / 1000, usegmt=True)
    return headers


async def _body(request: AnyRequest, uploads: Uploads) -> AsyncIterator[bytes]:
    """Yields a request's body as it arrives. Raises Interrupted when the client disconnects, when it sends nothing for
    `UPLOAD_IDLE_S` seconds, or when the server stops."""
    while True:  # Suspends: the server returns each part of a body once, when it arrives.
        try:
            async with uploads.idle_timeout(UPLOAD_IDLE_S):
                message = await request.receive()
        except TimeoutError:
            raise Interrupted from None
        if message["type"] != "http.request":
            raise Interrupted
        if message["body"]:
            yield message["body"]
        if not message.get("more_body", False):
            return


def _body_length(request: AnyRequest) -> int | None:
    """Returns the length of a request's body in bytes, 0 without a `Content-Length`; None if the body is chunked or the
    header is invalid."""
    if "transfer-encoding" in request.headers:
        return None
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else None


def _must_fit(request: AnyRequest, limit: int) -> None:
    """Raises `payload_too_large` if the request's `Content-Length` is more than `limit` bytes."""
    length = _body_length(request)
    if length is not None and length > limit:
        raise ChatError("payload_too_large", f"Content-Length must be at most {limit} bytes")


class _Stopping(ChatError):
    """The error of an upload that is interrupted because the server is stopping. The client may resume the upload
    later."""

    def __init__(self) -> None:
        super().__init__("unavailable", "The server is stopping. Resume the upload when it is back.")


def _interrupted(uploads: Uploads) -> ChatError:
    if uploads.stopping:
        return _Stopping()
    return TusRefusal(
        408, "invalid_request", "The connection ended, or paused for too long, before the request's body was complete."
    )


# --- downloads ------------------------------------------------------------------------------------------------------


@get("/{file_id:str}", summary="Get a file's metadata", opt=executes(GetFile))
async def get_file(file_id: FromPath[str], caller: GivenCaller, uploads: GivenUploads) -> FilePayload:
    return file_payload(await uploads.file(caller.actor, file_id))


@get(
    "/{file_id:str}/thumbnail",
    operation_id="downloadThumbnail",
    summary="Download the thumbnail of an image (WebP)",
    media_type=_THUMBNAIL_TYPE,
    responses=_PARTS,
    opt={**may_refuse(416), **takes_address_token("files"), **executes(GetFile)},
)
async def get_thumbnail(
    file_id: FromPath[str],
    request: AnyRequest,
    caller: GivenCaller,
    uploads: GivenUploads,
    large: Large = False,  # noqa: FBT002 (a query parameter)
) -> Response[Any]:
    file = await uploads.file(caller.actor, file_id)
    if file.width is None:
        raise forbidden("not_found")
    if large:
        with contextlib.suppress(ChatError):  # there is none, or the node that has it is of an earlier version
            return await _download(request, uploads, file, "large-thumbnail")
    return await _download(request, uploads, file, "thumbnail")


@get(
    "/{file_id:str}/{name:str}",
    operation_id="downloadFile",
    summary="Download a file, or a range of it",
    media_type="*/*",
    responses=_PARTS,
    opt={**may_refuse(416), **takes_address_token("files"), **executes(GetFile)},
)
async def download(
    file_id: FromPath[str], name: FromPath[str], request: AnyRequest, caller: GivenCaller, uploads: GivenUploads
) -> Response[Any]:
    del name  # the name only makes the address readable
    return await _download(request, uploads, await uploads.file(caller.actor, file_id), "content")


async def _download(request: AnyRequest, uploads: Uploads, file: File, part: Part) -> Response[Any]:
    place = FileKey.of(file, part)
    etag = f'"{file.digest}{"" if part == "content" else "-" + part}"'
    headers = {**_SAFE, "ETag": etag, "Accept-Ranges": "bytes", **_description(file, part)}
    if _names(request.headers.get("if-none-match", ""), etag):
        return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers, media_type=MediaType.TEXT)
    total = file.size if part == "content" else await uploads.store.total(place)
    wanted = request.headers.get("range")
    if request.headers.get("if-range", etag) != etag:
        wanted = None
    try:
        range_ = part_of(wanted, total)
    except Unsatisfiable:
        headers = {**_SAFE, "Content-Range": f"bytes */{total}"}
        body = error_body(ChatError("invalid_request", f"Range: the file has {total} bytes."))
        return Response(body, status_code=416, media_type=MediaType.JSON, headers=headers)
    start, end = range_ or (0, total)
    headers["Content-Length"] = str(end - start)
    if range_ is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{total}"
    status = HTTPStatus.OK if range_ is None else HTTPStatus.PARTIAL_CONTENT
    media_type = headers["Content-Type"]
    if start >= end or request.state.get(BODILESS):
        return Response(b"", status_code=status, headers=headers, media_type=media_type)
    reading = await uploads.store.read(place, start, end)
    return Download(reading, status_code=status, headers=headers, media_type=media_type)


def _description(file: File, part: Part) -> dict[str, str]:
    """Returns the headers `Content-Type` and `Content-Disposition` for the download of a file's content or thumbnail
    (`part`). The disposition is `inline` for types that browsers can display safely, and `attachment` for others, which
    browsers save."""
    if part != "content":
        return {"Content-Type": _THUMBNAIL_TYPE, "Content-Disposition": "inline"}
    disposition = "inline" if is_inline(file.content_type) else "attachment"
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in file.name)
    named = f"filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return {"Content-Type": file.content_type, "Content-Disposition": f"{disposition}; {named}"}


def _names(if_none_match: str, etag: str) -> bool:
    names = {name.strip().removeprefix("W/") for name in if_none_match.split(",")}
    return etag in names or "*" in names


# --- errors and the router ------------------------------------------------------------------------------------------


def _on_refusal(request: AnyRequest, error: ChatError) -> Response[Any]:
    """Returns the error response for a ChatError in the routes of files, with the status and the headers that the tus
    protocol requires."""
    answer = on_chat_error(request, error)
    if isinstance(error, _Stopping):
        answer = Lingering(answer.content, status_code=answer.status_code, headers=answer.headers)
    if isinstance(error, TusRefusal):
        answer.status_code = error.status
    if "tus-resumable" in request.headers or isinstance(error, TusRefusal):
        answer.headers |= _TUS
    if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
        answer.headers["Tus-Version"] = tus.TUS_VERSION
    return answer


files_router = Router(
    "/files",
    route_handlers=[
        describe_uploads,
        create_upload,
        upload_state,
        send_bytes,
        overridden,
        drop_file,
        get_file,
        get_thumbnail,
        download,
    ],
    exception_handlers={ChatError: _on_refusal},
    tags=["files"],
)
