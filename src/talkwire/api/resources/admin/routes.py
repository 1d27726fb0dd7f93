"""Joins the routes of the operators' console, below `/api/v1/admin`."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router
from litestar.types import ControllerRouterHandler

from talkwire.api.operation_routes import PREFIX, routes_of
from talkwire.api.resources.admin.lists import (
    conversations_found,
    end_admin_connection,
    list_connections,
    list_refusals,
    sessions_found,
    users_found,
)
from talkwire.api.resources.admin.overview import get_overview, list_limits, list_settings, push_state
from talkwire.operations import console


def _admin(*handlers: ControllerRouterHandler) -> Router:
    return Router(f"{PREFIX}/admin", route_handlers=handlers, tags=["admin"])


admin_routes: Sequence[ControllerRouterHandler] = (
    _admin(get_overview),
    *routes_of(
        (*console.BROWSE_USERS, console.BROWSE_CONVERSATIONS),
        answers={
            "GET /admin/users": users_found,
            "GET /admin/users/{user_id}/sessions": sessions_found,
            "GET /admin/conversations": conversations_found,
        },
    ),
    _admin(list_connections),
    *routes_of([console.END_CONNECTION], handlers={"DELETE /admin/connections/{connection_id}": end_admin_connection}),
    _admin(list_refusals, list_limits),
    *routes_of([console.PUSH], answers={"GET /admin/push": push_state}),
    _admin(list_settings),
)
