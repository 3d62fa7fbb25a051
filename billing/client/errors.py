"""What a call comes to when it does not come to an answer.

    ApiError            the API refused: status, kind of problem, what is wrong where
    ├── Unauthenticated ├── Forbidden ├── Missing ├── InConflict ├── Invalid ├── TooFast ├── NotReady
    NoAnswer            nobody answered, however often it was asked

No message holds the key or what was sent: a problem of the API does not either.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

_URN = "urn:spillway:problem:"


class Wrong(NamedTuple):
    """One thing that is wrong with a request: where, and what is allowed there."""

    at: str
    reason: str


class ApiError(Exception):
    """A refusal.

    Attributes:
        status:     of HTTP.
        kind:       stable word for scripts, such as `not_found`; "" if the answer was no problem document.
        wrong:      what is wrong with the request, if that is why.
        request_id: what the service calls the request; whoever runs it can look it up.
    """

    def __init__(self, status: int, document: Mapping[str, Any], request_id: str) -> None:
        self.status = status
        self.kind = str(document.get("type", "")).removeprefix(_URN)
        self.wrong = tuple(Wrong(each["at"], each["reason"]) for each in document.get("errors", ()))
        self.request_id = request_id
        told = [str(document.get("title") or f"answered with status {status}")]
        told += [f"{at} {reason}" for at, reason in self.wrong]
        super().__init__("; ".join(told))


class Unauthenticated(ApiError):
    """The key is missing or does not hold."""


class Forbidden(ApiError):
    """The key may not do this, or its tenant is suspended."""


class Missing(ApiError):
    """There is nothing here, for this key."""


class InConflict(ApiError):
    """It stands in conflict with what is there."""


class Invalid(ApiError):
    """The request is not valid."""


class TooFast(ApiError):
    """Too many requests, also after the waits that were asked for."""


class NotReady(ApiError):
    """The service is not ready, also after some waiting."""


class NoAnswer(Exception):
    """Nobody answered."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: Missing,
    409: InConflict,
    412: InConflict,
    429: TooFast,
    503: NotReady,
    **dict.fromkeys((405, 413, 415, 422, 428), Invalid),
}


def error_of(status: int, document: Mapping[str, Any], request_id: str) -> ApiError:
    """Return the error for a refusal."""
    return _BY_STATUS.get(status, ApiError)(status, document, request_id)
