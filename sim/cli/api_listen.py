"""`spillway api listen`: a receiver of webhooks for trying them out, on this machine."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.frame import session_of
from sim.cli.output import answer, note

PORT = 8341
_BODY_BYTES_MAX = 1 << 20


def listen(
    ctx: typer.Context,
    secret_file: Annotated[Path, typer.Argument(metavar="SECRET_FILE", help="The webhook's secret.")],
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65_535, help="0: any that is free.")] = PORT,
) -> None:
    """Receive webhooks on this machine, check who signed them, and say what they tell. Ctrl-C ends it."""
    from sim.cli.edge import now_s
    from sim.errors import SimError

    session = session_of(ctx)
    try:
        secret = secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise SimError("cannot be read", path="SECRET_FILE", file=str(secret_file), allowed="a file with it") from None
    told: list[dict[str, Any]] = []

    def tell(found: dict[str, Any], words: str) -> None:
        told.append(found)
        note(session, words)

    try:
        server = receiver(secret, port, now_s, tell)
    except OSError as error:
        words = (error.strerror or "cannot listen").lower()
        raise SimError(words, code="cannot_listen", path="--port", found=f"{port}") from None
    here = server.server_port
    note(session, f"listening at http://127.0.0.1:{here}/, for `spillway serve --try-webhooks {here}`")
    try:
        with server:
            server.serve_forever()
    except KeyboardInterrupt:
        pass
    good = sum(each["refused"] is None for each in told)
    after = f"{good} received, {len(told) - good} refused"
    answer(session, lambda: {"deliveries": told}, list, after=after)


def receiver(
    secret: str, port: int, now_s: Callable[[], int], tell: Callable[[dict[str, Any], str], None]
) -> HTTPServer:
    """Return a server that answers 204 to what was signed with a secret and 400 to everything else, and tells of each
    delivery: as data, and in words. Raises OSError where it cannot listen."""
    from billing.webhooks.signing import SignatureError, verify

    seen: set[str] = set()

    class Receiver(BaseHTTPRequestHandler):
        """One delivery."""

        timeout = 10

        def do_POST(self) -> None:
            """Check it, tell of it, answer."""
            length = self.headers.get("Content-Length") or ""
            body = self.rfile.read(min(int(length), _BODY_BYTES_MAX) if length.isdecimal() else 0)
            try:
                message = verify(secret, dict(self.headers), body, now_s())
                said = json.loads(body)
            except (SignatureError, ValueError) as error:
                tell({"message": None, "refused": str(error)}, f"refused: {error}")
                return self._answer(400)
            again = message in seen
            seen.add(message)
            words = f"{said.get('position')} {said.get('type')} {said.get('object')}{' (again)' if again else ''}"
            tell({"message": message, "refused": None, "again": again, **said}, words)
            return self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Say nothing of requests: what came is told of in `tell`."""

    return HTTPServer(("127.0.0.1", port), Receiver)
