"""A browser of somebody who is signed in to the console: one cookie jar, forms posted as a page has drawn them."""

import re
from collections.abc import Iterable, Mapping
from html import unescape

from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

ORIGIN = "http://testserver"


class Browser:
    """One browser. `sign_in` shows a key; `post` fills the hidden fields of the form that `page` has drawn."""

    def __init__(self, app: ASGIApp) -> None:
        self.client = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False)

    @property
    def cookie(self) -> str:
        """The text of the session's cookie, "" without one."""
        return self.client.cookies.get("spillway") or ""

    def get(self, path: str, **more: str) -> Response:
        """Open a page."""
        return self.client.get(path, headers=more)

    def sign_in(self, key: str, onwards: str = "/console/") -> Response:
        """Show a key on the page for it."""
        token = hidden(self.get("/console/login").text, "csrf")
        return self.send("/console/login", {"key": key, "csrf": token, "next": onwards})

    def token(self) -> str:
        """The token of this session's forms."""
        return hidden(self.get("/console/sessions").text, "csrf")

    def post(self, path: str, fields: Mapping[str, str | list[str]], page: str = "/console/sessions") -> Response:
        """Post a form as `page` would draw it."""
        text = self.get(page).text
        return self.send(path, {"csrf": hidden(text, "csrf"), "once": hidden(text, "once"), **fields})

    def send(
        self, path: str, fields: Mapping[str, str | list[str]], headers: Mapping[str, str] | None = None
    ) -> Response:
        """Post fields as they are, from a page of this origin unless `headers` say otherwise."""
        return self.client.post(path, data=dict(fields), headers={"origin": ORIGIN, **(headers or {})})


def hidden(text: str, name: str) -> str:
    """The value of a hidden field, of the last form that has it; "" if there is none."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', text)
    return unescape(found[-1]) if found else ""


def links_in(texts: Iterable[str]) -> set[str]:
    """Addresses that pages lead to or load from."""
    return {unescape(each) for text in texts for each in re.findall(r'(?:href|src|action)="([^"]*)"', text)}
