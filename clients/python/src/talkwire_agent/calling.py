"""Calls tools: async functions in the event loop, others in a thread, each within a time limit."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from talkwire_agent.characters import storable
from talkwire_agent.parameters import Scalar
from talkwire_agent.tools import Tool

CALL_MAX_S = 60.0
"""Longest time that a tool may run, in seconds."""

OUTPUT_MAX_BYTES = 16 * 1024
"""Most bytes of a tool's output that the model receives, as UTF-8."""

CUT_OFF = "\n[The rest was cut off.]"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model reads of a call: the output, or what went wrong."""

    text: str
    is_error: bool = False


async def call_tool(tool: Tool, arguments: Mapping[str, Scalar], *, limit_s: float = CALL_MAX_S) -> ToolResult:
    """Calls a tool with checked arguments, and returns its result. An exception of the tool is a result too.

    After `limit_s` seconds, returns an error. An async function is cancelled then; a thread runs on, since it cannot
    be ended.
    """
    named = tool.as_python(arguments)
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            text = _text_of(await _called(tool.function, named))
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            _logger.warning("the tool %s ran for more than %g s", tool.name, limit_s)
            return ToolResult(f"The tool did not end within {limit_s:g} seconds.", is_error=True)
        _logger.warning("the tool %s failed", tool.name, exc_info=True)
        return ToolResult(cut_off(f"{type(error).__name__}: {error}", OUTPUT_MAX_BYTES), is_error=True)
    return ToolResult(cut_off(text, OUTPUT_MAX_BYTES))


def cut_off(text: str, max_bytes: int) -> str:
    """Returns a text that has at most `max_bytes` in UTF-8, and only characters that the server stores. If it was
    longer, its end says so.
    """
    encoded = storable(text).encode()
    if len(encoded) <= max_bytes:
        return encoded.decode()
    return encoded[: max_bytes - len(CUT_OFF)].decode(errors="ignore") + CUT_OFF


async def _called(function: Callable[..., Any], arguments: Mapping[str, object]) -> object:
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    value = await _in_thread(lambda: function(**arguments))
    return await value if inspect.isawaitable(value) else value


async def _in_thread(function: Callable[[], object]) -> object:
    """Returns what a function returns in a thread of its own.

    A pool has few threads, which tools that never return would use up, and the interpreter would wait for them at its
    end.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[object] = loop.create_future()
    context = contextvars.copy_context()

    def publish(value: object, error: Exception | None) -> None:
        if result.done():
            return
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)

    def run() -> None:
        value: object = None
        failure: Exception | None = None
        try:
            value = context.run(function)
        except (StopIteration, SystemExit) as error:  # a future cannot have these
            failure = RuntimeError(f"the tool raised {error!r}")
        except Exception as error:  # noqa: BLE001 (the tool may raise anything, and `call_tool` logs it)
            failure = error
        try:
            loop.call_soon_threadsafe(publish, value, failure)
        except RuntimeError:
            _logger.info("a tool returned after the end of the program")

    threading.Thread(target=run, name="tool", daemon=True).start()
    return await result


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value
    return "done" if value is None else json.dumps(value, ensure_ascii=False, default=str)
