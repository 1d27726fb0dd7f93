"""Tools for the model: the functions of a Python file, described as JSON Schema."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, get_type_hints, overload

from talkwire_agent.parameters import Scalar, ToolParameter, parameter_of

TOOL_NAME = re.compile(r"[a-zA-Z0-9_]{1,64}")
"""Pattern of names that all models accept."""

MODULE = "talkwire_agent_tools"
"""Name of the module while a file of tools is loaded."""

_APPROVAL = "__talkwire_approval__"

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve a call. Empty: all people who are members of the conversation."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@overload
def needs_approval(function: F, /) -> F: ...


@overload
def needs_approval(*, users: Sequence[str] = (), roles: Sequence[str] = ()) -> Callable[[F], F]: ...


def needs_approval(
    function: F | None = None, /, *, users: Sequence[str] = (), roles: Sequence[str] = ()
) -> F | Callable[[F], F]:
    """Marks a tool that a person must approve before each call.

    `@needs_approval` alone lets all people who are members of the conversation approve. `users` (ids) and `roles`
    (`owner`, `admin`, `member`) say who may.
    """
    if isinstance(users, str) or isinstance(roles, str):
        raise TypeError("users and roles must be lists")

    def marked(decorated: F) -> F:
        setattr(decorated, _APPROVAL, Approvers(tuple(users), tuple(roles)))
        return decorated

    return marked if function is None else marked(function)


class ToolsError(Exception):
    """Raised when a file of tools cannot be used. The text names the file and says what is wrong."""


class ArgumentsError(Exception):
    """Raised when a model calls a tool with invalid arguments. The text is for the model."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call. `approvers` is None if it runs without an approval."""

    name: str
    description: str
    parameters: tuple[ToolParameter, ...]
    function: Callable[..., Any]
    approvers: Approvers | None = None

    def schema(self) -> dict[str, Any]:
        """Returns the description of the tool for the model, as the chat completions API has it."""
        parameters = {
            "type": "object",
            "properties": {parameter.name: parameter.schema() for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters if parameter.is_required],
            "additionalProperties": False,
        }
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}

    def arguments_of(self, text: str) -> dict[str, Scalar]:
        """Returns the arguments in a JSON text, without those that are null. Raises `ArgumentsError`."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            raise ArgumentsError("The arguments are not valid JSON.") from None
        if not isinstance(given, dict):
            raise ArgumentsError("The arguments must be a JSON object.")
        return self.checked(given)

    def checked(self, given: Mapping[str, object]) -> dict[str, Scalar]:
        """Returns arguments with the types of the parameters, without those that are null. Raises `ArgumentsError`."""
        if unknown := given.keys() - {parameter.name for parameter in self.parameters}:
            raise ArgumentsError(f"There is no parameter {min(unknown)}.")
        found: dict[str, Scalar] = {}
        for parameter in self.parameters:
            value = given.get(parameter.name)
            if value is not None:
                try:
                    found[parameter.name] = parameter.checked(value)
                except ValueError as error:
                    raise ArgumentsError(f"{error}.") from None
            elif parameter.is_required and not parameter.is_nullable:
                raise ArgumentsError(f"The argument {parameter.name} is missing.")
        return found

    def as_python(self, arguments: Mapping[str, Scalar]) -> dict[str, object]:
        """Returns checked arguments as the function takes them."""
        named = {parameter.name: parameter for parameter in self.parameters}
        found = {name: named[name].as_python(value) for name, value in arguments.items()}
        # A parameter without a default gets None if the model has left it out or has sent null.
        missing = {each.name: None for each in self.parameters if each.is_required and each.name not in found}
        return {**found, **missing}


def load_tools(path: Path) -> list[Tool]:
    """Returns the tools in a Python file: its public functions, in their order. Raises `ToolsError`."""
    module = _loaded(path)
    functions = [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    if not functions:
        raise ToolsError(f"{path}: has no functions. Each public function in the file is a tool")
    try:
        return [tool_of(function) for function in functions]
    except ValueError as error:
        raise ToolsError(f"{path}: {error}") from None


def tool_of(function: Callable[..., Any]) -> Tool:
    """Returns a function as a tool. Raises ValueError if it lacks type hints or a docstring, or has other types."""
    name = function.__name__
    where = f"{name}()"
    if not TOOL_NAME.fullmatch(name):
        raise ValueError(f"{where}: the name must have 1 to 64 letters of a to z, digits and underscores")
    description = inspect.getdoc(function)
    if not description:
        raise ValueError(f"{where}: needs a docstring, which tells the model what the function does")
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise ValueError(f"{where}: a type hint cannot be read: {error}") from None
    parameters = []
    for declared in inspect.signature(function).parameters.values():
        if declared.name not in hints:
            raise ValueError(f"{where}: the parameter {declared.name} needs a type hint")
        try:
            parameters.append(parameter_of(declared, hints[declared.name]))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    approvers: Approvers | None = getattr(function, _APPROVAL, None)
    return Tool(name, description, tuple(parameters), function, approvers)


def _loaded(path: Path) -> ModuleType:
    if not path.is_file():
        raise ToolsError(f"{path}: there is no such file")
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise ToolsError(f"{path}: must be a Python file, with a name that ends with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # so that the file can import its neighbours; last, so that they hide no package
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ToolsError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    return module
