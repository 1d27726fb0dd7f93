"""Checks every response and every event in the chat tests against `/openapi.json` and `/asyncapi.json`."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import httpx
import msgspec
from jsonschema_rs import Draft7Validator, Draft202012Validator

from talkwire.api.description.asyncapi import asyncapi
from talkwire.api.description.vocabularies import vocabulary
from talkwire.dialects.dialect import Dialect

Json = dict[str, Any]


class Routes:
    """The routes in `/openapi.json`."""

    def __init__(self, document: Json) -> None:
        self._components = document["components"]
        self._validators: dict[str, Draft202012Validator] = {}
        self._operations = {
            (method.upper(), re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?")): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    def check(self, answer: httpx.Response) -> None:
        """Fails if the route's description does not have the response's status, content type or body."""
        request = answer.request
        path = request.url.raw_path.decode().partition("?")[0]
        # A fixed part of a path takes precedence over a parameter.
        fitting = sorted(
            (
                (template.pattern.count("[^/]+"), operation)
                for (method, template), operation in self._operations.items()
                if method == request.method and template.fullmatch(path)
            ),
            key=lambda found: found[0],
        )
        if fitting:
            self._check(answer, fitting[0][1], f"{request.method} {path} answered {answer.status_code}")

    def _check(self, answer: httpx.Response, operation: Json, what: str) -> None:
        described = operation["responses"].get(str(answer.status_code))
        assert described is not None, f"{what}, which /openapi.json does not have: {answer.text[:300]}"
        if "$ref" in described:
            described = self._components["responses"][described["$ref"].rpartition("/")[2]]
        if not answer.content:
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        content = described.get("content", {})
        assert media_type in content or "*/*" in content, f"{what} with {media_type}, which /openapi.json does not have"
        if media_type == "application/json":
            problem = next(self._validator(content[media_type]["schema"]).iter_errors(answer.json()), None)
            assert problem is None, f"{what}, not as /openapi.json has it: {problem}"

    def _validator(self, schema: Json) -> Draft202012Validator:
        """Returns the validator of a schema. Making one takes longer than most requests."""
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[key] = Draft202012Validator(whole, validate_formats=True)
        return self._validators[key]


@cache
def described_routes(document: bytes) -> Routes:
    """Returns the routes in `/openapi.json`. They are cached for the process, since servers of one kind have the
    same."""
    return Routes(json.loads(document))


class Events:
    """The events of one dialect in `/asyncapi.json`."""

    def __init__(self, dialect: Dialect) -> None:
        document = json.loads(msgspec.json.encode(asyncapi([vocabulary(dialect)], version="")))
        self._validators = {
            key: Draft7Validator({**message["payload"], "components": document["components"]}, validate_formats=True)
            for key, message in document["channels"][dialect.name]["messages"].items()
            if "payload" in message
        }

    def problem_of_event(self, name: str, payload: object) -> str | None:
        """Returns why a received event does not match its description, or None."""
        return self._problem(f"out.{name}", payload)

    def problem_of_answer(self, name: str, answer: object) -> str | None:
        """Returns why an acknowledgement does not match its description, or None."""
        carried_out = isinstance(answer, dict) and answer.get("success") is True
        return self._problem(f"answer.{name}" if carried_out else "refusal", answer)

    def _problem(self, key: str, value: object) -> str | None:
        validator = self._validators.get(key.replace(":", "."))
        if validator is None:
            return f"{key}: not in /asyncapi.json"
        problem = next(validator.iter_errors(value), None)
        return None if problem is None else f"{key}: not as /asyncapi.json has it: {problem}"


@cache
def described_events(dialect: Dialect) -> Events:
    """Returns the events of a dialect. They are cached for the process, since building them takes longer than a
    test."""
    return Events(dialect)
