"""Files: forms in one request, and tus uploads whose offsets, lengths, checksums and metadata are nearly right."""

from __future__ import annotations

import base64
import hashlib

from rigs.hostile.connections import HttpConnection, send_and_close
from rigs.hostile.run import Run

_BOUNDARY = "x0x0x0"
_LENGTHS = ("0", "1", "20", "-1", "1e3", "9" * 25, "104857601", "", "x", "٣")
_OFFSETS = ("0", "0", "0", "1", "5", "20", "21", "-1", "9" * 25, "", "x")
_METADATA = (
    "",
    "filename d29ybGQ=",
    "filename",
    "filename ==",
    "filename 4pi64pi6",
    "filename AA==",
    "filename //4=",
    "filename Li4vLi4vYQ==",
    "filename YQ==,filename Yg==",
    "filetype dGV4dC9wbGFpbg==,filename YQ==",
    "a " + "QUFB" * 1500,
    ", ,",
)
_NAMES = ("a.txt", "", "../../a", "a\x00b", "\u202egnp.exe", "x" * 300, 'a"b', "a%0d%0ab", "CON", "é" * 200)


async def attack(run: Run) -> None:
    http = HttpConnection(run.address)
    while run.goes_on():
        if run.values.chance(0.4):
            await _send_form(run, http)
        else:
            await _upload(run, http)
    http.close()


# --- forms ----------------------------------------------------------------------------------------------------------


async def _send_form(run: Run, http: HttpConnection) -> None:
    body = _form(run)
    length = len(body)
    content_type = f"multipart/form-data; boundary={_BOUNDARY}"
    if run.values.chance(0.15):
        content_type = run.random.choice(
            (
                "multipart/form-data",
                "multipart/form-data; boundary=",
                "multipart/mixed; boundary=x",
                "multipart/form-data; boundary=" + "b" * 300,
            )
        )
    head = _head(run, "POST", "/api/v1/files", {"Content-Type": content_type, "Content-Length": str(length)})
    if run.values.chance(0.05):
        response = await send_and_close(
            run.address, head + body[: length // 2], half_close=run.values.chance(0.5), wait_s=0.05
        )
        run.count("broken off")
        if response[9:10] == b"5":
            run.fail(head + body[: length // 2], response.decode("latin-1"))
        return
    await run.exchange(http, [head + body])


def _form(run: Run) -> bytes:
    draw = run.random
    parts = []
    for _ in range(draw.choice((0, 1, 1, 1, 2, 30))):
        name = draw.choice(("file", "file", "files", "", "conversationId"))
        file_name = draw.choice(_NAMES).encode("utf-8", "replace")
        lines = [b'Content-Disposition: form-data; name="%s"; filename="%s"' % (name.encode(), file_name)]
        if draw.random() < 0.5:
            lines.append(b"Content-Type: " + draw.choice((b"image/png", b"text/html", b"x", b"\xff", b"image/svg+xml")))
        if draw.random() < 0.1:
            lines.append(draw.choice((b"Content-Transfer-Encoding: base64", b"X: " + b"y" * 9000, b"broken", b":")))
        parts.append(b"--%s\r\n%s\r\n\r\n%s\r\n" % (_BOUNDARY.encode(), b"\r\n".join(lines), _content(run)))
    end = draw.choice((b"--%s--\r\n" % _BOUNDARY.encode(),) * 4 + (b"", b"--%s" % _BOUNDARY.encode()))
    return b"".join(parts) + end


def _content(run: Run) -> bytes:
    draw = run.random
    magic = draw.choice(
        (
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a\xff\xff\xff\xff",
            b"\xff\xd8\xff\xe0",
            b"RIFF\x00\x00\x00\x00WEBP",
            b"<svg>",
            b"%PDF-",
        )
    )
    return magic + draw.randbytes(draw.choice((0, 1, 30, 300)))


# --- tus ------------------------------------------------------------------------------------------------------------


async def _upload(run: Run, http: HttpConnection) -> None:
    """Creates an upload, does some things to it, and deletes it, since a user has at most 100 that are unfinished."""
    draw = run.random
    headers = {"Upload-Length": "20" if run.values.chance(0.7) else draw.choice(_LENGTHS)}
    if run.values.chance(0.5):
        headers["Upload-Metadata"] = draw.choice(_METADATA)
    if run.values.chance(0.05):
        headers["Upload-Defer-Length"] = draw.choice(("1", "0", "x"))
    headers["Content-Length"] = "0"
    answers = await run.exchange(http, [_head(run, "POST", "/api/v1/files", headers | _version(run))])
    if not answers or answers[0].status != 201:
        return
    location = next(line for line in answers[0].head.split("\r\n") if line.lower().startswith("location:"))
    path = "/" + location.partition("://")[2].partition("/")[2] if "://" in location else location[9:].strip()
    for _ in range(draw.randrange(1, 4)):
        await run.exchange(http, [_step(run, path)])
    await run.exchange(http, [_head(run, "DELETE", path, _version(run))])


def _step(run: Run, path: str) -> bytes:
    draw = run.random
    if draw.random() < 0.2:
        return _head(run, "HEAD", path, _version(run))
    body = draw.randbytes(draw.choice((0, 1, 10, 20, 21)))
    headers = {
        "Content-Type": "application/offset+octet-stream" if run.values.chance(0.93) else "text/plain",
        "Upload-Offset": draw.choice(_OFFSETS),
        "Content-Length": str(len(body)),
        **_version(run),
    }
    if draw.random() < 0.3:
        digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
        headers["Upload-Checksum"] = draw.choice((f"sha1 {digest}", "sha1 AAAA", "sha1", "md5 =", "none x", "\xff"))
    if draw.random() < 0.1:
        path = draw.choice((path + "/", path[:-1], path + "%00", path + "/../x", "/api/v1/files/%00"))
    method = "PATCH" if draw.random() < 0.85 else "POST"
    if method == "POST":
        headers["X-HTTP-Method-Override"] = draw.choice(("PATCH", "DELETE", "HEAD", "x"))
    return _head(run, method, path, headers) + body


def _version(run: Run) -> dict[str, str]:
    return {"Tus-Resumable": "1.0.0" if run.values.chance(0.97) else run.random.choice(("0.2.2", "", "x"))}


def _head(run: Run, method: str, path: str, headers: dict[str, str]) -> bytes:
    token = run.scene.tokens[run.random.choice(("member", "author"))]
    lines = [f"{method} {path} HTTP/1.1", f"Host: {run.host}", f"Authorization: Bearer {token}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
