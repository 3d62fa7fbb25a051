"""A service after three days of the smallest scenario, for documents that are carried out: a key for each who walks
through it, a clock that stands still, and requests as they are written down.

    with walked(place) as walk:
        walk.ask("GET /v1/me\\nAuthorization: Bearer $FJORD")
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.testclient import TestClient
from typer.testing import CliRunner

from api_house import FAST, entropy_of
from billing.api.app import create_app
from billing.api.ports import DeskPort
from billing.client import Client
from billing.months import parse_utc
from billing.store.access import save_key
from billing.store.desk import turn
from billing.store.door import Door, open_door
from billing.store.engine import open_store, writing
from billing.store.migrate import init
from billing.store.tenant_rows import create_tenant, require_account
from sim.cli import app as command_line
from sim.cli.db_settle import settle_for
from sim.engine.run import run
from sim.feed.facts import source_of
from sim.feed.send import Sender
from sim.folder.manifest import config_hash
from sim.scenario.any_terms import parse_any_terms
from sim.scenario.build import build
from sim.scenario.file import load, override
from some_secrets import SECRETS
from tenants.access.identity import ROLE_SCOPES, Role
from tenants.access.keys import mint
from tenants.access.limits import Limits
from tenants.access.scope import local_scope
from tenants.audit.entry import LOCAL

NOW_S = parse_utc("2026-01-05T09:00:00Z")
TENANT, DAYS = "fjord", 3
_WORD = re.compile(r"\$([A-Z_]+)")


@dataclass
class Walk:
    """A service, and the words that stand for what is different each time: keys and ids."""

    door: Door
    words: dict[str, str]
    entropy: Any
    now_s: int = NOW_S
    status: int = 0
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        terms = parse_any_terms(load("small").text)
        desk = DeskPort(lambda: terms, lambda: turn(self.door, local_scope(), terms, self.now_s))
        limits, clock = Limits(FAST, FAST, FAST), lambda: self.now_s
        self.client = TestClient(create_app(self.door, SECRETS, clock, self.entropy, limits=limits, desk=desk))

    def happens(self, said: str) -> None:
        """Let come true what a page says between two calls: an hour that goes by, or settling."""
        if "An hour later" in said:
            self.now_s += 3_600
        if "Settled, " in said:
            turn(self.door, local_scope(), parse_any_terms(load("small").text), self.now_s)
            settle_for(self.door, None)

    def ask(self, text: str) -> Any:
        """Send a request as it is written: a line with method and path, headers, an empty line and a JSON body."""
        head, _, body = _WORD.sub(lambda word: self.words[word[1]], text.strip()).partition("\n\n")
        first, *lines = head.splitlines()
        method, path = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        if body:
            headers["Content-Type"] = "application/json"
        answer = self.client.request(method, path, headers=headers, content=body.encode())
        self.status = answer.status_code
        return answer.json()

    def holds(self, shown: Any, told: Any, at: str = "answer") -> None:
        """Hold an answer to what is shown of it: less may be shown, and nothing else. `$WORD` takes what is there.

        Raises:
            AssertionError: names the first place that differs.
        """
        if isinstance(shown, str) and _WORD.fullmatch(shown):
            assert self.words.setdefault(shown[1:], told) == told, f"{at}: {told} is not {shown}"
        elif isinstance(shown, dict):
            assert isinstance(told, dict), at
            for name, value in shown.items():
                assert name in told, f"{at}.{name} is not there, of {sorted(told)}"
                self.holds(value, told[name], f"{at}.{name}")
        elif isinstance(shown, list):
            assert isinstance(told, list) and len(told) >= len(shown), f"{at}: {len(told)} rows"
            for number, value in enumerate(shown):
                self.holds(value, told[number], f"{at}[{number}]")
        else:
            assert shown == told, f"{at}: {told!r}, shown {shown!r}"

    def client_of(self, who: str) -> Client:
        """The typed client with somebody's key."""
        return Client("http://testserver", self.words[who], self.entropy, http=self.client)  # type: ignore[arg-type]


@contextmanager
def walked(place: str) -> Iterator[Walk]:
    """Make the store, stream the run into the service, settle it and issue its month."""
    entropy, store = entropy_of(1), open_store(place, create=True)
    init(store)
    words = {}
    with writing(store) as connection:
        create_tenant(connection, LOCAL, "Fjord Racks", entropy, NOW_S, id_=TENANT)
        for word, tenant, role in (("FJORD", TENANT, Role.TENANT_ADMIN), ("OPERATOR", "", Role.OPERATOR)):
            account = require_account(connection, LOCAL, tenant, role.value, "service", role, entropy, NOW_S)
            made = mint(local_scope(), account.id, tenant, role, ROLE_SCOPES[role], SECRETS, entropy, NOW_S)
            save_key(connection, LOCAL, made, NOW_S)
            words[word] = made.text
    store.dispose()
    door = open_door(place, SECRETS, entropy)
    walk = Walk(door, words, entropy)
    try:
        _stream(walk)
        settle_for(door, None)
        issued = CliRunner().invoke(command_line, ["bill", "issue", "--db", place])
        assert issued.exit_code == 0, issued.output
        settle_for(door, None)  # and keep the hours behind what was issued
        yield walk
    finally:
        door.close()


def _stream(walk: Walk) -> None:
    scenario = override(load("small"), days=DAYS)
    world, way = build(scenario), scenario.policy
    source = source_of(config_hash(scenario.text, scenario.seed, way.name, way.lend, world.horizon_s))
    sender = Sender(walk.client_of("OPERATOR"), world, source, 0, lambda _now_s: None, world.horizon_s)
    sender.begin(scenario.text)
    run(world, way.name, way.lend, headroom_nodes=way.headroom_nodes, tape=False, watch=sender.watch)


class Call(NamedTuple):
    """A call of a page: what is said before it, the request, the status and the answer that are shown."""

    said: str
    request: str
    status: int
    answer: str


def blocks(page: str) -> list[Call]:
    """Return each `http` block of a page with the `json` block after it."""
    form = r"(.*?)```http\n(.*?)```\n+(?:[^\n`]*?`(\d{3})`[^\n]*\n+)?```json\n(.*?)```"
    found = re.findall(form, page, flags=re.DOTALL)
    return [Call(said, request, int(status or 200), answer) for said, request, status, answer in found]


def shown(answer: str) -> Any:
    """The JSON of a block."""
    return json.loads(answer)
