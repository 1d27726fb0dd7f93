"""Every route of `/openapi.json`, with valid and nearly valid addresses, parameters, headers and bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rigs.hostile.connections import HttpConnection
from rigs.hostile.run import Run
from rigs.hostile.scene import ACTING, CALLERS, COMMON, LEAVERS, ORDINARY, ROLES
from rigs.hostile.values import to_json

_AT_ONCE = 4
"""Requests that are sent in one write. More would wait in the server for each other."""

_SLOW = ("/auth/register", "/auth/login", "/auth/password")
"""These check passwords, which takes 50 ms of a processor each."""

_NEEDED = ("q", "chatId")
"""Parameters without which nothing else is looked at."""

_CALLERS = (*ACTING[:-1] * 5, *ACTING, *ROLES)

_MORE_TRUSTED = (*ACTING, *ROLES, *ROLES)
"""The callers of operations that are refused to all users without a role."""

_ERASE_ME = "eraseMe"
_ERASE_USER = "eraseUser"
_NEVER_ERASED = {*ORDINARY, *CALLERS, "me"}
"""They must still read or act after it. In an address, `me` stands for the caller."""


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    id: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    weight: float


def operations(openapi: Mapping[str, Any]) -> list[Operation]:
    return list(_operations(openapi))


def _operations(openapi: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in openapi["paths"].items():
        for method, described in methods.items():
            content = described.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema")
            weight = 0.04 if path.endswith(_SLOW) else 1.0
            yield Operation(
                method.upper(), path, described["operationId"], tuple(described.get("parameters", ())), body, weight
            )


def _callers_of(operation: Operation) -> tuple[str, ...]:
    if operation.id == _ERASE_ME:
        return LEAVERS
    if operation.id == _ERASE_USER or operation.path.startswith(("/api/v1/webhooks", "/api/v1/admin")):
        return _MORE_TRUSTED
    return _CALLERS


class RestInputs:
    """Draws requests."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._random = run.random
        self._values = run.values
        self._operations = operations(run.scene.openapi)
        self._weights = [operation.weight for operation in self._operations]

    def request(self) -> bytes:
        """Returns a request that is valid HTTP; its content may be anything."""
        operation = self._random.choices(self._operations, self._weights)[0]
        caller = self._random.choice(_callers_of(operation))
        body = b"" if operation.body is None and not self._values.chance(0.03) else self._body(operation)
        lines = [f"{operation.method} {self._target(operation, caller)} HTTP/1.1", f"Host: {self._run.host}"]
        lines += self._authorization(caller)
        if self._values.chance(0.05):
            lines.append(f"Idempotency-Key: {self._line(self._values.text())}")
        if body or operation.body is not None:
            lines += [f"Content-Type: {self._content_type()}", f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body

    def _target(self, operation: Operation, caller: str) -> str:
        path, query = operation.path, []
        for parameter in operation.parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                part = self._part(name, caller)
                if operation.id == _ERASE_USER and part in _NEVER_ERASED:
                    part = self._random.choice(LEAVERS)
                path = path.replace("{" + name + "}", part)
            elif parameter["in"] == "query" and self._values.chance(0.95 if name in _NEEDED else 0.4):
                query.append(f"{name}={self._values.quoted(str(self._parameter(name)))}")
                if self._values.chance(0.03):
                    query.append(query[-1] if self._values.chance(0.5) else f"{name}=")
        return path + ("?" + "&".join(query) if query else "")

    def _part(self, name: str, caller: str) -> str:
        known = self._run.shapes.known(name)
        if known is None or self._values.chance(0.08):
            return self._values.quoted(self._values.text()[:400]) or "-"
        # A caller with all rights would delete what ordinary members have to read at the end.
        if caller in ROLES and known in COMMON:
            known = "playground"
        return self._values.quoted(str(known))

    def _parameter(self, name: str) -> object:
        known = self._run.shapes.known(name)
        if known is None or self._values.chance(0.2):
            draw = self._random.random()
            return self._values.text()[:400] if draw < 0.6 else self._values.time() if draw < 0.8 else self._number()
        return known

    def _number(self) -> str:
        return to_json(self._values.number())[:500]

    def _authorization(self, caller: str) -> list[str]:
        draw = self._random.random()
        if draw < 0.94:
            return [f"Authorization: Bearer {self._run.scene.tokens[caller]}"]
        if draw < 0.97:
            return []
        return [f"Authorization: {self._line(self._values.text())}"]

    def _body(self, operation: Operation) -> bytes:
        payload = self._values.json() if operation.body is None else self._run.shapes.payload(operation.body)
        text = to_json(payload)
        draw = self._random.random()
        if draw < 0.04:
            text = self._values.broken(text)
        if draw > 0.98:
            return text.encode(self._random.choice(("utf-16", "utf-8-sig", "utf-32")), "replace")
        return text.encode("utf-8", "surrogatepass")

    def _content_type(self) -> str:
        if self._values.chance(0.97):
            return "application/json"
        return self._random.choice(("text/plain", "application/json; charset=utf-16", "multipart/form-data", "/", ""))

    @staticmethod
    def _line(text: str) -> str:
        return "".join(character for character in text if character >= " ")[:300]


async def attack(run: Run) -> None:
    inputs, http = RestInputs(run), HttpConnection(run.address)
    while run.goes_on():
        await run.exchange(http, [inputs.request() for _ in range(_AT_ONCE)])
    http.close()
