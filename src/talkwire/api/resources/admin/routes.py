"""Joins the routes of the operators' console to the router of `/api/v1/admin`."""

from __future__ import annotations

from litestar import Router

from talkwire.api.resources.admin.lists import (
    end_connection,
    end_session_of,
    list_connections,
    list_conversations_of_all,
    list_refusals,
    list_sessions_of,
    list_users,
)
from talkwire.api.resources.admin.overview import get_overview, get_push, list_limits, list_settings

admin_router = Router(
    "/admin",
    route_handlers=[
        get_overview,
        list_users,
        list_sessions_of,
        end_session_of,
        list_conversations_of_all,
        list_connections,
        end_connection,
        list_refusals,
        list_limits,
        get_push,
        list_settings,
    ],
    tags=["admin"],
)
