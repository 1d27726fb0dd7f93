"""Traces that the server sends to a collector, by OTLP over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.chat.chat_server import running_chat
from tests.chat.conftest import world_at
from tests.protocol.server_process import reserved_port

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Collector(ThreadingHTTPServer):
    """Collects spans by name, with their attributes."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Receiving)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Receiving(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        body = self.rfile.read(int(self.headers["content-length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.services |= {
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Prints nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


def attributes(span: Any) -> dict[str, object]:  # noqa: ANN401 (a message of protobuf)
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


async def test_requests_commands_and_transactions_have_spans(tmp_path: Path) -> None:
    with collecting() as collector, running_chat(tmp_path, {"TALKWIRE_OTLP_ENDPOINT": collector.url}) as server:
        async with world_at(server) as world:
            room = await world.conversation("alice", "bob")
            alice = await world.connect("alice")
            await alice.send_message(room, "over a socket")
            body = {"conversationId": room, "content": "over REST"}
            headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
            await world.request("POST", "/api/v1/messages", by="alice", json=body, headers=headers)
            await world.request("POST", "/api/v1/messages", by="mallory", json=body)
        # It sends what it has collected before it ends.
        server.process.terminate()
        assert server.wait_ended() == 0
        assert server.logged_errors() == []
    request = next(span for span in collector.spans if span.trace_id.hex() == TRACE_ID and span.kind == 2)
    assert request.name == "POST /api/v1/messages"
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes(request)["http.response.status_code"] == 201
    child = next(span for span in collector.spans if span.parent_span_id == request.span_id)
    assert (child.name, child.trace_id) == ("message:send", request.trace_id)
    sends = [span for span in collector.spans if span.name == "message:send"]
    assert len(sends) == 3
    assert [span.status.message for span in sends if span.status.code] == ["forbidden"]
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in sends)
    transactions = [span for span in collector.spans if span.name == "transaction"]
    assert 1 in {attributes(span)["talkwire.commands"] for span in transactions}
    assert collector.services == {"talkwire"}


async def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{reserved_port()}"
    with running_chat(tmp_path, {"TALKWIRE_OTLP_ENDPOINT": away}) as server:
        async with world_at(server) as world:
            room = await world.conversation("alice")
            alice = await world.connect("alice")
            await alice.send_message(room, "all the same")
        server.process.terminate()
        assert server.wait_ended() == 0
