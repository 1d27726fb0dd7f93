"""Tools: from functions to JSON Schema, and from a model's arguments to a call."""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
import threading
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire_agent import needs_approval
from talkwire_agent.calling import OUTPUT_MAX_BYTES, call_tool, cut_off
from talkwire_agent.tools import Approvers, ArgumentsError, Tool, ToolsError, load_tools, tool_of
from tests.waiting import deadline


class Unit(Enum):
    KILO = "kg"
    POUND = "lb"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


def ship(  # noqa: PLR0917 (parameters of each kind)
    order: int,
    weight: float,
    unit: Unit,
    service: Literal["fast", "slow"],
    to: Annotated[str, "The address."],
    level: Level = Level.HIGH,
    gift: bool = False,  # noqa: FBT001, FBT002 (a parameter of a tool)
    note: Annotated[str | None, "For the driver."] = None,
) -> str:
    """Ships an order.

    It cannot be undone.
    """
    return f"{order!r} {weight!r} {unit!r} {service!r} {to!r} {level!r} {gift!r} {note!r}"


SHIP = tool_of(ship)
GIVEN = {"order": 17, "weight": 2, "unit": "kg", "service": "fast", "to": "Graz"}


def test_a_function_becomes_a_description_for_the_model() -> None:
    assert SHIP.schema() == {
        "type": "function",
        "function": {
            "name": "ship",
            "description": "Ships an order.\n\nIt cannot be undone.",
            "parameters": {
                "type": "object",
                "properties": {
                    "order": {"type": "integer"},
                    "weight": {"type": "number"},
                    "unit": {"type": "string", "enum": ["kg", "lb"]},
                    "service": {"type": "string", "enum": ["fast", "slow"]},
                    "to": {"type": "string", "description": "The address."},
                    "level": {"type": "integer", "enum": [1, 2], "default": 2},
                    "gift": {"type": "boolean", "default": False},
                    "note": {"type": ["string", "null"], "description": "For the driver."},
                },
                "required": ["order", "weight", "unit", "service", "to"],
                "additionalProperties": False,
            },
        },
    }


async def test_a_call_has_values_of_the_types_of_the_function() -> None:
    arguments = SHIP.arguments_of(json.dumps({**GIVEN, "level": 1, "gift": True, "note": None}))
    result = await call_tool(SHIP, arguments)
    assert result.text == f"17 2.0 {Unit.KILO!r} 'fast' 'Graz' {Level.LOW!r} True None"
    assert not result.is_error


async def test_a_nullable_parameter_without_a_default_may_be_left_out() -> None:
    def greet(name: str | None) -> str:
        """Greets."""
        return f"Hello {name}"

    tool = tool_of(greet)
    for text in ("{}", '{"name": null}'):
        assert (await call_tool(tool, tool.arguments_of(text))).text == "Hello None"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"order": "17"}, "order must be an integer."),
        ({"order": 1.5}, "order must be an integer."),
        ({"order": True}, "order must be an integer."),
        ({"order": 2**53}, "order must be between -9007199254740991 and 9007199254740991."),
        ({"weight": "2"}, "weight must be a number."),
        ({"weight": float("inf")}, "weight must be between -9007199254740991 and 9007199254740991."),
        ({"unit": "stone"}, "unit must be one of kg, lb."),
        ({"service": "by air"}, "service must be one of fast, slow."),
        ({"gift": 1}, "gift must be true or false."),
        ({"weight": float("nan")}, "weight must be between -9007199254740991 and 9007199254740991."),
        ({"to": ["Graz"]}, "to must be a string."),
        ({"to": "a\0"}, "to must have no null characters and no halves of characters."),
        ({"to": "\ud83d"}, "to must have no null characters and no halves of characters."),
        ({"to": None}, "The argument to is missing."),
        ({"colour": "red"}, "There is no parameter colour."),
    ],
)
def test_invalid_arguments_are_refused_with_words_for_the_model(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        SHIP.arguments_of(json.dumps({**GIVEN, **changed}))
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["{", "[]", "17", "null", "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(ArgumentsError, match="JSON"):
        SHIP.arguments_of(text)


JSON_VALUES = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | st.sampled_from(["kg", "fast", "x", ""])
)


@given(st.dictionaries(st.sampled_from([*GIVEN, "level", "gift", "note", "other"]), JSON_VALUES))
def test_the_agent_takes_what_the_schema_allows_and_nothing_else(changed: dict[str, Any]) -> None:
    given_arguments = {**GIVEN, **changed}
    try:
        SHIP.checked(given_arguments)
        is_taken = True
    except ArgumentsError:
        is_taken = False
    # Null for a parameter with a default means the default. The schema does not say so, but models send it.
    without_null = {
        name: value for name, value in given_arguments.items() if value is not None or name not in {"level", "gift"}
    }
    assert is_taken == jsonschema_rs.is_valid(SHIP.schema()["function"]["parameters"], without_null)


def _without_hint(order) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Has no hint."""
    return str(order)


def _without_docstring(order: int) -> str:
    return str(order)


def _with_list(orders: list[int]) -> str:
    """Takes a list."""
    return str(orders)


def _with_union(order: int | str) -> str:
    """Takes either."""
    return str(order)


def _with_mixed_choices(size: Literal["small", 5]) -> str:
    """Takes one of two kinds."""
    return str(size)


def _with_many(*orders: int) -> str:
    """Takes many."""
    return str(orders)


def _with_unknown(order: Missing) -> str:  # type: ignore[name-defined]  # noqa: F821
    """Has a hint of a name that does not exist."""
    return str(order)


def _with_wrong_default(order: int = "none") -> str:  # type: ignore[assignment]
    """Has a default of another type."""
    return str(order)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_without_hint, "the parameter order needs a type hint"),
        (_without_docstring, "needs a docstring"),
        (_with_list, "the parameter orders must be str, int, float, bool"),
        (_with_union, "the parameter order must be str, int, float, bool"),
        (_with_mixed_choices, "must all be texts, or all be integers"),
        (_with_many, "the parameter orders must be one that can be named"),
        (_with_unknown, "a type hint cannot be read"),
        (_with_wrong_default, "the default of the parameter order must be an integer"),
    ],
)
def test_a_function_that_cannot_be_described_is_refused(function: Any, message: str) -> None:  # noqa: ANN401 (any function)
    with pytest.raises(ValueError, match=message) as caught:
        tool_of(function)
    assert str(caught.value).startswith(f"{function.__name__}(): ")


def written(folder: Path, source: str) -> Path:
    path = folder / "shop_tools.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def test_a_file_has_its_public_functions_as_tools(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_tools.py").write_text("def helper() -> int:\n    return 3\n", encoding="utf-8")
    path = written(
        tmp_path,
        '''
        from json import dumps
        from neighbour_of_tools import helper
        from talkwire_agent import needs_approval

        def track(order: int) -> str:
            """Says where an order is."""
            return _where(order)

        def _where(order: int) -> str:
            return dumps(order + helper())

        @needs_approval
        async def refund(order: int) -> str:
            """Refunds an order."""
            return "refunded"

        @needs_approval(users=["ann"], roles=["owner"])
        def cancel(order: int) -> str:
            """Cancels an order."""
            return "cancelled"
        ''',
    )
    tools = load_tools(path)
    assert [tool.name for tool in tools] == ["track", "refund", "cancel"]
    assert [tool.approvers for tool in tools] == [None, Approvers(), Approvers(("ann",), ("owner",))]
    assert tools[0].function(order=1) == "4"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "has no functions"),
        ("def f(", "SyntaxError"),
        ("import no_such_module_at_all", "no_such_module_at_all"),
        ('def f(a) -> str:\n    """Does."""', r"f\(\): the parameter a needs a type hint"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, source: str, message: str) -> None:
    path = written(tmp_path, source)
    with pytest.raises(ToolsError, match=message) as caught:
        load_tools(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_missing_or_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="there is no such file"):
        load_tools(tmp_path / "none.py")
    (tmp_path / "tools.txt").write_text("x")
    with pytest.raises(ToolsError, match=r"ends with \.py"):
        load_tools(tmp_path / "tools.txt")


def test_needs_approval_takes_lists_only() -> None:
    with pytest.raises(TypeError, match="must be lists"):
        needs_approval(users="ann")


# --- calls ------------------------------------------------------------------------------------------------------------


def tool(function: Any) -> Tool:  # noqa: ANN401 (any function)
    function.__doc__ = "Does something."
    return tool_of(function)


async def test_an_ordinary_function_runs_in_a_thread_and_an_async_one_in_the_loop() -> None:
    def there() -> str:
        return threading.current_thread().name

    async def here() -> str:
        return threading.current_thread().name

    assert (await call_tool(tool(there), {})).text == "tool"
    assert (await call_tool(tool(here), {})).text == threading.current_thread().name


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (None, "done"), ({"b": [1, "\N{PACKAGE}"]}, '{"b": [1, "\N{PACKAGE}"]}'), (Path("x"), '"x"')],
)
async def test_results_become_texts(value: object, text: str) -> None:
    def returns() -> object:
        return value

    assert (await call_tool(tool(returns), {})).text == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("No."), "ValueError: No."),
        (TimeoutError("its own"), "TimeoutError: its own"),
        (SystemExit(3), "RuntimeError: the tool raised SystemExit(3)"),
        (StopIteration(), "RuntimeError: the tool raised StopIteration()"),
    ],
)
async def test_exceptions_become_results(error: BaseException, text: str) -> None:
    def fails() -> str:
        raise error

    async with deadline():
        result = await call_tool(tool(fails), {})
    assert (result.text, result.is_error) == (text, True)


async def test_a_tool_that_takes_too_long_is_an_error() -> None:
    release = threading.Event()
    was_cancelled = asyncio.Event()

    def blocks() -> None:
        release.wait()

    async def sleeps() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    try:
        for function in (blocks, sleeps):
            result = await call_tool(tool(function), {}, limit_s=0.05)
            assert result.is_error
            assert "within 0.05 seconds" in result.text
    finally:
        release.set()
    assert was_cancelled.is_set()


async def test_many_tools_that_never_return_leave_threads_for_others() -> None:
    release = threading.Event()

    def blocks() -> None:
        release.wait()

    def works() -> str:
        return "worked"

    try:
        await asyncio.gather(*(call_tool(tool(blocks), {}, limit_s=0.05) for _ in range(70)))
        async with deadline():
            assert (await call_tool(tool(works), {})).text == "worked"
    finally:
        release.set()


async def test_long_output_is_cut_off() -> None:
    def writes() -> str:
        return "\N{PACKAGE}" * OUTPUT_MAX_BYTES

    text = (await call_tool(tool(writes), {})).text
    assert OUTPUT_MAX_BYTES - 4 < len(text.encode()) <= OUTPUT_MAX_BYTES
    assert text.endswith("[The rest was cut off.]")


@given(st.text(), st.integers(min_value=30, max_value=60))
def test_a_text_is_cut_off_only_if_it_is_too_long(text: str, most: int) -> None:
    found = cut_off(text, most)
    assert len(found.encode()) <= most
    if len(text.encode()) <= most:
        assert found == text.replace("\0", "\ufffd")


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_tools_of_the_page_are_tools(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/talkwire-agent.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "tools.py").write_text(block, encoding="utf-8")
    find, refund = load_tools(tmp_path / "tools.py")
    assert (find.name, find.approvers) == ("find_order", None)
    assert (refund.name, refund.approvers) == ("refund", Approvers())
    assert [(each.name, each.kind, each.is_required) for each in refund.parameters] == [
        ("order", "integer", True),
        ("amount", "number", True),
        ("reason", "string", False),
    ]
