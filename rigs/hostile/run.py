"""One worker of a campaign: its randomness, the number of inputs it has to send, and their results."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from rigs.hostile.connections import (
    Address,
    Answer,
    ConnectionEnded,
    ConnectionRefused,
    HttpConnection,
    RawWebSocket,
    open_session,
)
from rigs.hostile.scene import Scene
from rigs.hostile.shapes import Shapes
from rigs.hostile.values import Values

_FAILURES_KEPT = 30
_SHOWN = 1500
_REFUSED_S = 0.05


@dataclass(frozen=True)
class Failure:
    """An input that was answered as none may be."""

    where: str
    given: bytes
    answered: str

    def __str__(self) -> str:
        given = repr(self.given)
        shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}… ({len(self.given)} bytes)"
        return f"{self.where}\n  sent     {shown}\n  answered {self.answered[:_SHOWN]}"


@dataclass
class Outcome:
    """The results of all workers. `answers` counts responses by entry point, to show whether inputs get past the first
    check.
    """

    seed: str
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        """Adds the results of a further campaign."""
        self.failures += other.failures
        self.failed += other.failed
        self.sent += other.sent
        self.answers += other.answers

    def report(self) -> str:
        """For the message of a failed assertion: how to repeat it, and the first failures."""
        first = "\n".join(map(str, self.failures))
        return (
            f"{self.failed} inputs of {self.sent.total()} failed; TALKWIRE_FUZZ_SEED={self.seed} repeats them\n{first}"
        )


class Run:
    """One worker of the entry point `name`."""

    def __init__(self, name: str, worker: int, quota: int, scene: Scene, outcome: Outcome) -> None:
        self.name = name
        self.scene = scene
        self._quota = quota
        self._outcome = outcome
        self._where = f"{name}, worker {worker}"
        self.random = Random(f"{outcome.seed}/{name}/{worker}")
        self.values = Values(self.random)
        self.shapes = Shapes(self.values, scene.pools, scene.openapi["components"]["schemas"])
        self.address = _address_of(scene)
        self.host = f"{self.address[0]}:{self.address[1]}"
        self.sent = 0

    def goes_on(self) -> bool:
        return self.sent < self._quota

    def count(self, answer: object, inputs: int = 1) -> None:
        """Notes what inputs were answered with, in a word."""
        self.sent += inputs
        self._outcome.sent[self.name] += inputs
        self._outcome.answers[self.name, str(answer)] += inputs

    def fail(self, given: bytes, answered: str) -> None:
        self._outcome.failed += 1
        if len(self._outcome.failures) < _FAILURES_KEPT:
            self._outcome.failures.append(Failure(f"{self._where}, input {self.sent}", given, answered))

    async def exchange(self, http: HttpConnection, requests: Sequence[bytes]) -> list[Answer]:
        """Sends requests at once and checks the responses: no server error, and none missing unless the server
        announced that it closes.
        """
        try:
            answers = await http.exchange(requests)
        except ConnectionEnded as ended:
            answers = ended.answers
            if not (answers and answers[-1].closes):
                self.fail(requests[len(answers)], "closed without an answer")
        except TimeoutError:
            self.fail(b"".join(requests), "no answer")
            answers = []
        for request, answer in zip(requests, answers, strict=False):
            self.judge(request, answer)
        if len(answers) < len(requests):
            self.count("closed", len(requests) - len(answers))
        return answers

    async def open_session(self, connect: str = "") -> RawWebSocket | None:
        """A session, signed in where there is a CONNECT packet for it; None where the server does not want one more
        now, or not of this user."""
        try:
            return await open_session(self.address, connect)
        except ConnectionRefused as refused:
            reason = str(refused)
            self.count("refused")
            if '"unavailable"' in reason or reason.startswith("HTTP/1.1 5"):
                self.fail(connect.encode(), reason)
            await asyncio.sleep(_REFUSED_S)
            return None

    def judge(self, request: bytes, answer: Answer) -> None:
        self.count(answer.status)
        if answer.status >= 500:
            self.fail(request, f"{answer.head.splitlines()[0]} {answer.body.decode('utf-8', 'replace')}")


def _address_of(scene: Scene) -> Address:
    host, port = scene.server.url.removeprefix("http://").split(":")
    return host, int(port)
