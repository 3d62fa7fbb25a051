"""The table of routes: each module of `routes` adds its own, and `app` makes the application from all of them.

Every route names the model of its answer: what is not in the model never leaves.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from billing.api.formats import JSON, LIST_OFFERS, item_model

F = TypeVar("F", bound=Callable[..., Any])


class Entry(NamedTuple):
    """One route. `offers`: the media types of its answer, best first."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    answer: type[BaseModel]
    status: int
    offers: tuple[str, ...]


class Routes(list[Entry]):
    """Routes in the order in which they are tried."""

    def get(self, path: str, answer: type[BaseModel], offers: tuple[str, ...] = ()) -> Callable[[F], F]:
        """Add the decorated function as a route that reads. Lists offer CSV and Parquet by themselves; a route that
        names `offers` answers with a response of its own in the type `Call.wanted`."""
        return self._add("GET", path, answer, 200, offers or (LIST_OFFERS if item_model(answer) else (JSON,)))

    def post(self, path: str, answer: type[BaseModel], status: int = 200) -> Callable[[F], F]:
        """Add the decorated function as a route that makes something or does something."""
        return self._add("POST", path, answer, status)

    def put(self, path: str, answer: type[BaseModel]) -> Callable[[F], F]:
        """Add the decorated function as a route that sets something."""
        return self._add("PUT", path, answer, 200)

    def delete(self, path: str, answer: type[BaseModel]) -> Callable[[F], F]:
        """Add the decorated function as a route that ends something."""
        return self._add("DELETE", path, answer, 200)

    def _add(
        self, method: str, path: str, answer: type[BaseModel], status: int, offers: tuple[str, ...] = (JSON,)
    ) -> Callable[[F], F]:
        def added(endpoint: F) -> F:
            self.append(Entry(method, path, endpoint, answer, status, offers))
            return endpoint

        return added
