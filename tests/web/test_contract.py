"""The API against the document that it gives out, by schemathesis, a tool that knows nothing of us.

For each kind of key, and without one: no fault of ours, no status or field that is not in the document, no header that
is missing, nothing that answers to a key that is not there, and nothing that is still there after it was deleted.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from api_house import ApiHouse, api_house
from billing.store.door import Door
from served import served
from tenants.access.errors import Unauthenticated

CONFIG = Path(__file__).with_name("schemathesis.toml")
HALF = r"^/v1/([a-i]|operator/[a-m])"  # of the paths, so that two processes share the longest run
# Whose key, what of the tool, how many cases at least: 2,000 of all together. What differs between keys is who may, so
# one of them goes through everything.
RUNS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "every bound of half the routes": ("acme", ("--phases", "coverage", "--include-path-regex", HALF), 1_000),
    "every bound of the others": ("acme", ("--phases", "coverage", "--exclude-path-regex", HALF), 1_000),
    "a tenant's admin": ("acme", ("--phases", "examples,fuzzing,stateful", "--max-examples", "6"), 200),
    "an operator": ("operator", ("--phases", "fuzzing,stateful", "--max-examples", "12"), 200),
    "a member": ("acme/member", ("--phases", "fuzzing", "--max-examples", "5"), 100),
    "an auditor": ("auditor", ("--phases", "fuzzing", "--max-examples", "5"), 100),
    "nobody": ("", ("--phases", "fuzzing", "--max-examples", "3"), 100),
}
ONLY = ("--phases", "fuzzing", "--max-examples", "5", "--include-path")
SEED = os.environ.get("SPILLWAY_SEED", "1")

pytestmark = [
    pytest.mark.web,
    pytest.mark.skipif(find_spec("schemathesis") is None, reason="NO SCHEMATHESIS: `make web` installs it"),
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


def attacked(url: str, key: str, folder: Path, *more: str) -> tuple[int, int, str]:
    """(exit code, cases, what it printed) of one run of the tool against a server."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{url}/openapi.json"]
    command += ["--seed", SEED, "--no-color", "--checks", "all"]
    command += ["--header", f"Authorization: Bearer {key}"] if key else []
    done = subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    found = re.search(r"Test cases:\s+([\d,]+) generated", done.stdout)
    return done.returncode, int(found[1].replace(",", "")) if found else 0, done.stdout + done.stderr


@pytest.mark.parametrize("run", RUNS)
def test_nothing_is_found_with_any_kind_of_key(house: ApiHouse, tmp_path: Path, run: str) -> None:
    who, words, cases_min = RUNS[run]
    with served(house.app) as url:
        code, cases, told = attacked(url, house.keys.get(who, ""), tmp_path, *words)
    assert code == 0, f"{run}; repeat with SPILLWAY_SEED={SEED}\n{told}"
    print(f"{run}: {cases:,} cases")
    assert cases >= cases_min


class Spoilt:
    """An application whose answer at one path has been tampered with."""

    def __init__(self, app: Any, path: str, status: int | None, change: dict[str, Any] | None) -> None:
        self.app, self.path, self.status, self.change = app, path, status, change

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        body = b""

        async def kept(message: Any) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await finish()

        async def finish() -> None:
            told = body
            if start["status"] == 200:
                start["status"] = self.status or 200
                told = json.dumps({**json.loads(body), **(self.change or {})}).encode()
            headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            start["headers"] = [*headers, (b"content-length", str(len(told)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": told})

        await self.app(scope, receive, kept)


@pytest.mark.parametrize(
    ("status", "change", "word"),
    [
        (500, None, "Server error"),
        (418, None, "Undocumented status code"),
        (None, {"tenant": 5}, "Response violates schema"),
    ],
)
def test_a_spoilt_answer_is_found(
    house: ApiHouse, tmp_path: Path, status: int | None, change: dict[str, Any] | None, word: str
) -> None:
    with served(Spoilt(house.app, "/v1/me", status, change)) as url:
        code, _, told = attacked(url, house.keys["acme"], tmp_path, *ONLY, "/v1/me")
    assert code == 1 and word.lower() in told.lower(), told


@contextmanager
def open_to_all(house: ApiHouse) -> Iterator[None]:
    sign_in = Door.sign_in

    def anybody(door: Door, text: str, now_s: int) -> Any:
        try:
            return sign_in(door, text, now_s)
        except Unauthenticated:
            return sign_in(door, house.keys["acme"], now_s)

    with patch.object(Door, "sign_in", anybody):
        yield


def test_a_key_that_is_not_asked_for_is_found(house: ApiHouse, tmp_path: Path) -> None:
    with open_to_all(house), served(house.app) as url:
        code, _, told = attacked(url, house.keys["acme"], tmp_path, *ONLY, "/v1/quota")
    assert code == 1 and "authentication" in told.lower(), told
