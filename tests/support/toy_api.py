"""A small application with two tenants and, on wish, a planted bug: what the engines are tried on before the product.

Each name in `BUGS` is one way in which applications of this kind have leaked; an engine that does not notice is no
engine.
"""

import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import StaticPool
from starlette.responses import JSONResponse, Response

from asking import Client
from canary import Canaries
from matrix import ROLES, TENANTS

BUGS = (
    "looks up by id alone",
    "asks no key",
    "a header overrides the key",
    "members may set quotas",
    "names the foreign id in a bulk error",
    "counts over all tenants",
    "works more for foreign ids",
    "tells foreign ids by a header",
    "logs what others own",
    "a change without an audit row",
    "a route that nobody knows",
    "a refusal writes",
    "echoes what it refuses",
)


class Bulk(BaseModel):
    model_config = ConfigDict(extra="forbid")
    numbers: list[str]


class Quota(BaseModel):
    model_config = ConfigDict(extra="forbid")
    gpus: int


def problem(status: int, detail: str = "refused", headers: Mapping[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "status": status, "detail": detail}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


class ToyWorld:
    """Tenants "a" (own) and "b" (other). `secrets` are b's, by field; the table of it is `TABLE` in test_engines.py."""

    def __init__(self, bug: str = "", secrets: Mapping[str, Any] | None = None) -> None:
        assert bug in ("", *BUGS)
        self.canaries = Canaries(random.Random(7))
        self._rng = random.Random(8)
        self.secrets = dict(secrets or {"note": self.canaries.word("note"), "invoices": 2})
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE invoice (tenant, number, note, PRIMARY KEY (tenant, number))"))
            connection.execute(text("CREATE TABLE quota (tenant PRIMARY KEY, gpus)"))
            connection.execute(text("CREATE TABLE audit (tenant, what)"))
            rows = [("a", "n-0000-own", "mine")]
            rows += [("b", f"n-{n:04}-oth", self.secrets["note"]) for n in range(self.secrets["invoices"])]
            for row in rows:
                connection.execute(text("INSERT INTO invoice VALUES (:t, :n, :m)"), dict(zip("tnm", row, strict=True)))
        self.app = application(self.engine, bug)
        self.client = Client(self.app)

    def key(self, role: str) -> str:
        return f"a-{role}"

    def object(self, kind: str, whose: str, fresh: bool = False) -> str:
        return {"own": "n-0000-own", "other": "n-0000-oth", "missing": f"n-{self._rng.randrange(10**4):04}-non"}[whose]

    def bad_keys(self) -> Mapping[str, tuple[str, int]]:
        return {"missing": ("", 401), "unknown": ("x-member", 401), "of nobody": ("a-chief", 401)}

    def steady(self, start: int | None = None) -> None:
        pass

    def database(self) -> Mapping[str, object]:
        return {name: self._rows(name) for name in ("invoice", "quota")}

    def audit_rows(self) -> int:
        return len(self._rows("audit"))

    def _rows(self, name: str) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]


class Toy:
    """What the routes do, with one bug or none."""

    def __init__(self, engine: Engine, bug: str) -> None:
        self.engine, self.bug = engine, bug

    async def sign_in(self, request: Request, go_on: Callable[[Request], Any]) -> Response:
        tenant, _, role = request.headers.get("authorization", "").removeprefix("Bearer ").partition("-")
        known = tenant in ("a", "b") and role in ROLES
        if request.url.path.startswith("/v1") and self.bug != "asks no key" and not known:
            return problem(401)
        if self.bug == "a header overrides the key":
            tenant = request.headers.get("x-tenant", tenant)
        request.state.tenant, request.state.role = tenant or "a", role or "operator"
        return await go_on(request)

    def fetch(self, tenant: str, number: str) -> list[Any]:
        with self.engine.connect() as connection:
            where = "number = :n" if self.bug == "looks up by id alone" else "tenant = :t AND number = :n"
            found = connection.execute(text(f"SELECT * FROM invoice WHERE {where}"), {"t": tenant, "n": number}).all()
            if self.bug == "works more for foreign ids" and not found:
                other = connection.execute(text("SELECT * FROM invoice WHERE number = :n"), {"n": number}).all()
                if other:
                    connection.execute(text("SELECT count(*) FROM invoice"))
            return list(found)

    def invoices(self, request: Request) -> Any:
        with self.engine.connect() as connection:
            query = text("SELECT tenant, number, note FROM invoice ORDER BY number")
            rows = [row for row in connection.execute(query) if row.tenant == request.state.tenant]
            total = connection.execute(text("SELECT count(*) FROM invoice")).scalar_one()
        if self.bug == "logs what others own":
            logging.getLogger("toy").info("seen %s", self.fetch("b", "n-0000-oth"))
        counted = total if self.bug == "counts over all tenants" else len(rows)
        return {"items": [row.note for row in rows], "total": counted}

    def invoice(self, request: Request, number: str) -> Any:
        if request.state.role not in TENANTS:
            return problem(403)
        found = self.fetch(request.state.tenant, number)
        if not found:
            known = self.bug == "tells foreign ids by a header" and self.fetch("b", number)
            said = f"no invoice {number}" if self.bug == "echoes what it refuses" else "no such thing"
            return problem(404, said, {"x-state": "known"} if known else None)
        return {"note": found[0].note}

    def void(self, request: Request, asked: Bulk) -> Any:
        if request.state.role != "tenant_admin":
            return problem(403)
        wrong = [number for number in asked.numbers if not self.fetch(request.state.tenant, number)]
        if wrong:
            named = self.bug == "names the foreign id in a bulk error"
            return problem(404, f"no such things {[each for each in wrong if named and self.fetch('b', each)]}")
        return {"voided": len(asked.numbers)}

    def quota(self, request: Request, asked: Quota) -> Any:
        may = (*TENANTS, "operator") if self.bug == "members may set quotas" else ("operator",)
        refused = request.state.role not in may
        if refused and self.bug != "a refusal writes":
            return problem(403)
        with self.engine.begin() as connection:
            values = {"t": request.state.tenant, "g": asked.gpus}
            connection.execute(text("INSERT OR REPLACE INTO quota VALUES (:t, :g)"), values)
            if self.bug != "a change without an audit row":
                connection.execute(text("INSERT INTO audit VALUES (:t, 'quota')"), values)
        return problem(403) if refused else {"gpus": asked.gpus}


def application(engine: Engine, bug: str) -> FastAPI:
    """The routes of a toy."""
    app, toy = FastAPI(docs_url=None, redoc_url=None), Toy(engine, bug)
    app.middleware("http")(toy.sign_in)
    app.get("/v1/invoices")(toy.invoices)
    app.get("/v1/invoices/{number}")(toy.invoice)
    app.post("/v1/invoices/void")(toy.void)
    app.put("/v1/quota")(toy.quota)
    if bug == "a route that nobody knows":
        app.add_route("/debug/state", lambda _: Response("all"), methods=["GET"], include_in_schema=False)
    return app
