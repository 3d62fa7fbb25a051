"""The client: every operation, and lists from their first page to their last."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

from billing.client.operations import Operations
from billing.client.shapes import Page

T = TypeVar("T")
FORMS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


class Client(Operations):
    """Talks to one API with one key. Use it in one thread, or one each.

    Args:
        url:      of the service, without /v1.
        key:      as it was shown when it was made; nothing here keeps it but the memory.
        chance:   n to n random bytes, such as `os.urandom`: for the keys of changes, and for waits.
        attempts: how often a call is made before it is given up.
        pause:    waits so many seconds.
        http:     an httpx2.Client of one's own: for proxies, certificates, tests.
    """

    def every(self, fetch: Callable[..., Page[T]], *names: str, **query: Any) -> Iterator[T]:
        """Yield the rows of a list, page after page: `client.every(client.list_invoices, period="2026-01")`.

        Raises ApiError, NoAnswer, where a page is fetched.
        """
        page = fetch(*names, **query)
        yield from page["items"]
        while (cursor := page.get("next")) is not None:
            page = fetch(*names, **query, cursor=cursor)
            yield from page["items"]

    def file(self, path: str, form: Literal["csv", "parquet"], **query: Any) -> bytes:
        """Return a table as a file: `client.file("/v1/exports/usage", "csv", period="2026-01")`.

        Raises ApiError: also where the table has no such form.
        """
        return self.fetch(path, FORMS[form], query)
