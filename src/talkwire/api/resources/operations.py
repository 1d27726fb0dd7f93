"""Routes for operators and monitoring: `/healthz` (the process runs), `/readyz` (the node is ready) and `/metrics`."""

from __future__ import annotations

from litestar import Response, get
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from prometheus_client import CONTENT_TYPE_LATEST

from talkwire.api.http.dependencies import GivenMetrics, GivenReadiness
from talkwire.api.readiness import Standing


@get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Handles `GET /healthz`: always responds with status 200, which shows that the process is running."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz(readiness: GivenReadiness) -> Response[Standing]:
    """Handles `GET /readyz`: returns this node's state, with status 503 while load balancers should send it no
    requests."""
    standing = await readiness.check()
    status_code = HTTP_200_OK if standing.status == "ok" else HTTP_503_SERVICE_UNAVAILABLE
    return Response(standing, status_code=status_code)


@get("/metrics", include_in_schema=False)
async def show_metrics(metrics: GivenMetrics) -> Response[bytes]:
    """Handles `GET /metrics`: returns the metrics in the text format of Prometheus."""
    # Litestar adds the charset to every text response itself.
    return Response(await metrics(), media_type=CONTENT_TYPE_LATEST.partition("; charset")[0])
