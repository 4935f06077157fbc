"""Discord's errors: a status, and a JSON body with a code, as its documentation lists them.

https://docs.discord.com/developers/topics/opcodes-and-status-codes
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class Problem(Enum):
    """What Discord refuses: HTTP status, JSON error code, message."""

    UNAUTHORIZED = (401, 0, "401: Unauthorized")
    NOT_FOUND = (404, 0, "404: Not Found")
    UNKNOWN_CHANNEL = (404, 10003, "Unknown Channel")
    UNKNOWN_GUILD = (404, 10004, "Unknown Guild")
    UNKNOWN_MESSAGE = (404, 10008, "Unknown Message")
    UNKNOWN_USER = (404, 10013, "Unknown User")
    UNKNOWN_WEBHOOK = (404, 10015, "Unknown Webhook")
    UNKNOWN_INTERACTION = (404, 10062, "Unknown interaction")
    UNKNOWN_COMMAND = (404, 10063, "Unknown application command")
    TOO_LARGE = (413, 40005, "Request entity too large")
    ACKNOWLEDGED = (400, 40060, "Interaction has already been acknowledged.")
    MISSING_ACCESS = (403, 50001, "Missing Access")
    NOT_THE_AUTHOR = (403, 50005, "Cannot edit a message authored by another user")
    TOO_MANY_FOLLOW_UPS = (400, 40094, "This interaction has reached its follow-up limit")
    EMPTY_MESSAGE = (400, 50006, "Cannot send an empty message")
    NO_MESSAGES_TO_USER = (403, 50007, "Cannot send messages to this user")
    MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
    INVALID_WEBHOOK_TOKEN = (401, 50027, "Invalid Webhook Token")
    INVALID_BODY = (400, 50035, "Invalid Form Body")
    ARCHIVED = (400, 50083, "Thread is archived")


class ApiError(Exception):
    """A request that is answered with one of Discord's errors."""

    def __init__(self, problem: Problem, errors: dict[str, Any] | None = None) -> None:
        super().__init__(problem.value[2])
        self.problem = problem
        self.errors = errors

    @property
    def status(self) -> int:
        return self.problem.value[0]

    def to_json(self) -> dict[str, Any]:
        _, code, message = self.problem.value
        body: dict[str, Any] = {"message": message, "code": code}
        return body if self.errors is None else {**body, "errors": self.errors}


def invalid(field: str, code: str, message: str) -> ApiError:
    """Return the error for one field of a body, whose path is written with dots."""
    errors: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(field.split(".")):
        errors = {name: errors}
    return ApiError(Problem.INVALID_BODY, errors)
