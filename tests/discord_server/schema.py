"""Requests and answers checked against Discord's OpenAPI document, where this machine has it.

The answers are this server's own, which have to be as true. The document is large, so it is read
at the first check, and each operation's validator is built when it is first needed. Two
relaxations: Discord takes snowflakes that are written as integers, and permissions that are
written as strings.

https://github.com/discord/discord-api-spec
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError, best_match  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[2].parent / "shared" / "discord" / "openapi.json"
"""Beside the checkout; never a part of it."""

JSON = "application/json"
_URI = "urn:discord"
_SNOWFLAKE = re.compile(r'(?<=")[1-9][0-9]{16,19}(?=")')


class OpenApi:
    """Discord's description of its own interface."""

    def __init__(self, document: Path = DOCUMENT) -> None:
        self._path = document
        self._validators: dict[tuple[str, ...], Draft202012Validator] = {}
        self._sound: set[tuple[str, ...]] = set()

    @property
    def available(self) -> bool:
        return self._path.is_file()

    def request_violation(self, method: str, path: str, body: object) -> str | None:
        """Return what is wrong with a request, in a sentence, or None.

        `path` is below /api/v10, `body` the decoded JSON or None.
        """
        if not self.available:
            return None
        template = self._template(path)
        operation = self._operation(method, template)
        if template is None or operation is None:
            return f"{method} {path}: Discord has no such operation"
        request = operation.get("requestBody", {})
        if body is None:
            missing = request.get("required", False)
            return f"{method} {path}: Discord wants a body" if missing else None
        if JSON not in request.get("content", {}):
            return f"{method} {path}: Discord wants no JSON body"
        error = self._error(body, "paths", template, method.lower(), "requestBody")
        return None if error is None else f"{method} {path}: {error.json_path}: {error.message}"

    def answer_violation(self, method: str, path: str, status: int, body: object) -> str | None:
        """Return what is wrong with a successful answer of this server, or None."""
        template = self._template(path) if self.available else None
        operation = self._operation(method, template)
        if template is None or operation is None:
            return None
        answer = operation["responses"].get(str(status))
        if answer is None:
            return f"{method} {path} was answered with status {status}"
        if JSON not in answer.get("content", {}):
            return None if body is None else f"{method} {path} was answered with a body"
        error = self._error(body, "paths", template, method.lower(), "responses", str(status))
        if error is None:
            return None
        return f"{method} {path} was answered wrongly: {error.json_path}: {error.message}"

    @cached_property
    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._path.read_bytes())
        document["components"]["schemas"]["SnowflakeType"] = {
            "anyOf": [{"type": "integer"}, document["components"]["schemas"]["SnowflakeType"]]
        }
        _allow_permission_strings(document["components"]["schemas"])
        return document

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        """Patterns of paths; those with the fewest parameters first, as they are the closest."""
        paths = sorted(self._document["paths"], key=lambda path: path.count("{"))
        return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]

    @cached_property
    def _registry(self) -> Registry[Any]:
        resource = DRAFT202012.create_resource(self._document)
        registry: Registry[Any] = Registry().with_resource(_URI, resource)
        return registry

    def _template(self, path: str) -> str | None:
        return next((found for shape, found in self._templates if shape.fullmatch(path)), None)

    def _operation(self, method: str, template: str | None) -> dict[str, Any] | None:
        if template is None:
            return None
        operation: dict[str, Any] | None = self._document["paths"][template].get(method.lower())
        return operation

    def _error(self, body: object, *steps: str) -> ValidationError | None:
        """Return what is most wrong with JSON by the description at a place in the document.

        Every bot tells all its commands when it starts, and a validator takes long for them; so
        what was found right is not looked through again, where only ids are others.
        """
        text = json.dumps(body)
        known = (_SNOWFLAKE.sub(lambda found: "1" * len(found[0]), text), *steps)
        if known in self._sound:
            return None
        error = best_match(self._validator(*steps).iter_errors(body))
        if error is None:
            self._sound.add(known)
        return error

    def _validator(self, *steps: str) -> Draft202012Validator:
        """Return the validator of the JSON described at a place in the document."""
        if steps not in self._validators:
            steps_in = (*steps, "content", JSON, "schema")
            pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps_in)
            reference = {"$ref": f"{_URI}#/{quote(pointer)}"}
            self._validators[steps] = Draft202012Validator(reference, registry=self._registry)
        return self._validators[steps]


def _allow_permission_strings(schemas: Mapping[str, Any]) -> None:
    for schema in schemas.values():
        for name, field in schema.get("properties", {}).items():
            if name.endswith("permissions") and "integer" in field.get("type", ()):
                schema["properties"][name] = {"anyOf": [field, {"type": "string"}]}
