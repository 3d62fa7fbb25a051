"""Whoever is told: a receiver of webhooks that checks who speaks, and acts once on what comes twice.

    python docs/example_receiver.py SECRET_FILE [PORT]

Put what speaks https before it: deliveries go to public addresses alone. A test sends to it.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from billing.client import SignatureError, verify_webhook

secret = Path(sys.argv[1]).read_text().strip()
seen: set[str] = set()  # a real one keeps them, for as long as deliveries are tried again


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what it knows, also when it has it already, and 400 to everything else."""

    def do_POST(self) -> None:
        """Take one delivery."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 1 << 20))
        try:
            message = verify_webhook(secret, dict(self.headers), body, int(time.time()))
        except SignatureError as error:
            return self.answer(400, f"refused: {error}")
        if message not in seen:
            seen.add(message)
            told = json.loads(body)
            print(told["position"], told["type"], told["object"], flush=True)
        return self.answer(204, "")

    def answer(self, status: int, words: str) -> None:
        """Answer, and say on stderr why not."""
        self.send_response(status)
        self.end_headers()
        print(words, end="\n" if words else "", file=sys.stderr)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 8341), Receiver).serve_forever()
