"""Sends traces to an OpenTelemetry collector: spans of REST requests, commands and transactions, by OTLP over HTTP.

Needs the packages of the extra `otlp`, so it is imported only where the setting `otlp_endpoint` is set.
https://opentelemetry.io/docs/specs/otlp/, https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from talkwire.observability.spans import Attributes, RequestSpan

TRACES_PATH = "/v1/traces"


class OtlpTracer:
    """A tracer that collects spans and sends them to an OpenTelemetry collector in batches, on its own thread.

    Implements `spans.Tracer`. `endpoint` is the collector's base URL. While the collector does not respond, spans are
    dropped.
    """

    def __init__(self, endpoint: str, *, version: str, instance_id: str) -> None:
        resource = Resource.create(
            {"service.name": "talkwire", "service.version": version, "service.instance.id": instance_id}
        )
        # The process may have other tracers, so nothing is registered globally.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + TRACES_PATH)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("talkwire", version)
        self._trace_context = TraceContextTextMapPropagator()

    def record(self, name: str, start_ns: int, end_ns: int, error: str | None, attributes: Attributes) -> None:
        span = self._tracer.start_span(name, start_time=start_ns, attributes=attributes)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(end_ns)

    @contextmanager
    def request(self, headers: Mapping[str, str]) -> Iterator[RequestSpan]:
        parent = self._trace_context.extract(headers)
        with self._tracer.start_as_current_span("request", parent, SpanKind.SERVER) as span:
            yield _RequestSpan(span)

    def close(self) -> None:
        """Sends the collected spans and ends the thread. Blocks until both are done."""
        self._provider.shutdown()


class _RequestSpan:
    """The OpenTelemetry span of a REST request, with attributes named by the semantic conventions for HTTP servers.

    Implements `spans.RequestSpan`.
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def describe(self, method: str, route: str | None, status: int, request_id: str) -> None:
        self._span.update_name(f"{method} {route}" if route else method)
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "http.response.status_code": status,
            "talkwire.request_id": request_id,
        }
        if route:
            attributes["http.route"] = route
        self._span.set_attributes(attributes)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
