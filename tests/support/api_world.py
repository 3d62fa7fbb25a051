"""The real API over a real store with tenants in it: the world that the engines ask (`asking.World`).

Clock and chance are given, so an answer depends on its question alone. Another role, kind or route needs a line here or
in `who_may.py`, and no new test.
"""

import itertools
import random
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, func, select

from asking import Client
from billing.api.app import create_app
from billing.store import tables_audit
from billing.store.door import open_door
from billing.store.engine import open_store, reading, writing
from billing.store.schema import METADATA
from billing.store.walls.postgres import make_roles
from canary import Canaries
from runs_shown import RUN, OneRun
from tenant_world import MADE_S, NOW_S, SECRETS, Seeding, Side, Word, watch_documents
from tenants.access import keys
from tenants.access.keys import DAY_S
from tenants.access.limits import Limiter

_LEFT_BY_ASKING = {"all_audit_entry", "all_audit_details", "all_audit_tree"}  # a refusal may be noted
_LAST_USE = "last_used_s"
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_OWN_AUDITS, _OTHER_AUDITS = 3, 12


class Chance:
    """Bytes that look like chance and can be begun anew."""

    def __init__(self) -> None:
        self._rng = random.Random(0)

    def __call__(self, count: int) -> bytes:
        return self._rng.randbytes(count)

    def begin(self, at: int) -> None:
        self._rng.seed(at)


class ApiWorld:
    """Tenants in a store, and the API over it.

    Args:
        place:  a store that has been set up.
        secret: makes the other tenant's texts and numbers: another generator, another world beside "own".
        volume: how much of everything the other tenant has.
    """

    def __init__(self, place: str, rng: random.Random, secret: random.Random | None = None, volume: int = 1) -> None:
        self._rng = rng
        self.canaries = Canaries(secret or random.Random(rng.random()))
        self.internal = Canaries(random.Random(rng.random()), "the house's")  # of "own", and still not to be shown
        self.engine = open_store(place)
        self._names = (f"own{number:013}" for number in itertools.count())
        self._bad: dict[str, tuple[str, int]] = {"missing": ("", 401), "no key at all": ("Bearer", 401)}
        self._outside: dict[str, str] = {}
        self._foreign = ""
        with writing(self.engine) as connection:
            if connection.dialect.name == "postgresql":
                make_roles(connection, SECRETS.tenant_token)
            self.own = self._own(connection)
            self.other = self._other(connection, volume)
            self._house(connection)
            self._gone(connection)
        self.chance = Chance()
        self._starts = itertools.count(1)
        self.door = open_door(place, SECRETS, self.chance)
        self.app = create_app(self.door, SECRETS, lambda: NOW_S, self.chance, lambda _host: ("1.1.1.1",), runs=OneRun())
        self.client = Client(self.app)

    # -- what the engines ask of a world ---------------------------------------------------------------------------

    def key(self, role: str) -> str:
        known, (name, _, scope) = {**self.own.keys, **self._outside}, role.partition(" without ")
        if role not in known:
            tenant = self.own.tenant if name in self.own.keys else ""
            account = self._outside[f"{name} account"]
            with writing(self.engine) as connection:
                made = Seeding(connection, self._rng.randbytes).key(tenant, account, name, scope)[0]
            self._outside[role] = known[role] = made
        return known[role]

    def object(self, kind: str, whose: str, fresh: bool = False) -> str:
        if whose == "other":
            return self.other.ids[kind]
        if whose == "missing":
            return self._unknown(kind)
        return self._new(kind) if fresh else self.own.ids[kind]

    def bad_keys(self) -> Mapping[str, tuple[str, int]]:
        return self._bad

    def steady(self, start: int | None = None) -> None:
        self.chance.begin(next(self._starts) if start is None else start)
        self.app.state.house = self.app.state.house._replace(limiter=Limiter())

    def database(self) -> Mapping[str, object]:
        with reading(self.engine) as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(*(c for c in table.c if c.name != _LAST_USE)))))
                for table in METADATA.sorted_tables
                if table.name not in _LEFT_BY_ASKING
            }

    def audit_rows(self) -> int:
        with reading(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(tables_audit.entry)).scalar_one())

    # -- how it is made ----------------------------------------------------------------------------------------------

    def _own(self, connection: Connection) -> Side:
        def word(field: str) -> str:
            return self.internal.word(field) if field in INTERNAL else next(self._names)

        seed, side = Seeding(connection, self._rng.randbytes), Side(next(self._names))
        seed.tenant(side.tenant, word)
        for role in ("member", "tenant_admin"):
            account = seed.account(side.tenant, word, role)
            side.keys[role], side.ids["key"], digest = seed.key(side.tenant, account, role)
            side.ids["account"] = account
            self.internal.watch("digest of a key", digest)
            self._outside[f"{role} account"] = account
        side.keys["agent"], side.ids["token"] = seed.token(side.tenant, account, side.ids["key"], role)
        self._filled(seed, side, word, lambda field: self.internal.number(field) if field in INTERNAL else 7, 1)
        seed.audit(side.tenant, word, _OWN_AUDITS)
        side.ids["position"] = "2"
        return side

    def _other(self, connection: Connection, volume: int) -> Side:
        seed, word = Seeding(connection, self._rng.randbytes), self.canaries.word
        side = Side(word("tenant id"))
        self._foreign = side.tenant
        seed.tenant(side.tenant, word)
        for role in ("member", "tenant_admin"):
            account = seed.account(side.tenant, word, role)
            side.keys[role], side.ids["key"], digest = seed.key(side.tenant, account, role)
            side.ids["account"] = account
            for what, text in (("key", side.keys[role]), ("key id", side.ids["key"]), ("digest", digest)):
                self.canaries.watch(what, text)
        text, side.ids["token"] = seed.token(side.tenant, account, side.ids["key"], role)
        self.canaries.watch("token", text)
        self.canaries.watch("token id", side.ids["token"])
        self._filled(seed, side, word, self.canaries.number, volume)
        seed.audit(side.tenant, word, _OTHER_AUDITS * volume)
        side.ids["position"] = str(_OTHER_AUDITS - 2)
        watch_documents(connection, side.tenant, self.canaries)
        return side

    def _filled(self, seed: Seeding, side: Side, word: Word, number: Any, volume: int) -> None:
        side.ids["tenant"] = side.tenant
        side.ids["line"] = "1" if side.tenant != self._foreign else "7777"
        side.ids["price book"] = "1" if side.tenant != self._foreign else "7777"
        side.ids["invoice"] = seed.books(side.tenant, word, number, 2 * volume)
        seed.events(side.tenant, word, 3 * volume)
        seed.model(side.tenant, word, number)
        seed.rest(side.tenant, word)
        for kind, table in TABLES.items():
            columns = METADATA.tables[table].c
            found = seed.connection.execute(select(columns.id).where(columns.tenant == side.tenant).limit(1))
            side.ids[kind] = found.scalar_one()
        delivery = METADATA.tables["all_delivery"].c
        mine = select(delivery.position).where(delivery.tenant == side.tenant, delivery.webhook == side.ids["webhook"])
        side.ids["delivery"] = str(seed.connection.execute(mine).scalar_one())

    def _house(self, connection: Connection) -> None:
        """Operator and auditor, who belong to no tenant, and the tenant that the operator's changes are tried on."""
        seed = Seeding(connection, self._rng.randbytes)
        row = {"tenant": "", "version": 1, "hash": "0" * 64, "terms": TERMS, "created_s": MADE_S, "actor": "local"}
        seed.add(METADATA.tables["all_terms"], row)
        for role in ("operator", "auditor"):
            account = seed.account("", lambda _: next(self._names), role)
            self._outside[role] = seed.key("", account, role)[0]
            self._outside[f"{role} account"] = account
        grant = METADATA.tables["all_break_glass"]
        row = seed.any_row(grant, self.own.tenant, lambda _: next(self._names)) | {"tenant": self.own.tenant}
        # Opened by the operator, so that it may read "own", and no other tenant.
        seed.add(grant, row | {"operator": self._outside["operator account"], "reason": "a fault that was reported"})
        self.own.ids["run"] = RUN.id
        self.own.ids["bystander"], self.own.ids["sleeper"] = self._bystander(seed), self._bystander(seed, "suspended")

    def _bystander(self, seed: Seeding, status: str = "active") -> str:
        tenant = next(self._names)
        seed.tenant(tenant, lambda _: next(self._names), status)
        return tenant

    def _gone(self, connection: Connection) -> None:
        """Texts that are no live key, by form, and what each must meet."""
        seed, names = Seeding(connection, self._rng.randbytes), lambda _: next(self._names)
        good, admin = self.own.keys["tenant_admin"], self.own.ids["account"]
        for form, columns in BAD_COLUMNS.items():
            self._bad[form] = (seed.key(self.own.tenant, admin, "tenant_admin", **columns)[0], 401)
        disabled = seed.account(self.own.tenant, names, "tenant_admin", disabled_s=MADE_S)
        self._bad["of a disabled account"] = (seed.key(self.own.tenant, disabled, "tenant_admin")[0], 401)
        for status, met in (("suspended", 403), ("deleted", 401)):
            tenant = next(self._names)
            seed.tenant(tenant, names, status)
            self._bad[f"of a {status} tenant"] = (
                seed.key(tenant, seed.account(tenant, names, "tenant_admin"), "tenant_admin")[0],
                met,
            )
        parts = good.split("_")
        unknown, forged = (f"spw_live_{id_}_{'7' * 43}" for id_ in (parts[2][::-1], parts[2]))
        self._bad |= {
            "cut short": (good[:-1], 401),
            "too long": (good + "0", 401),
            "mistyped": (good[:30] + ("a" if good[30] != "a" else "b") + good[31:], 401),
            "unknown": (unknown + keys._checksum(unknown), 401),
            "of another secret": (forged + keys._checksum(forged), 401),
            "of another kind": (good.replace("spw_", "spt_"), 401),
            "not ASCII": ("ключ".encode().decode("latin-1"), 401),
            "an injection": ("' OR 1=1 --", 401),
            "long": ("spw_live_" + "a" * 5_000, 401),
        }

    def _unknown(self, kind: str) -> str:
        """An id of the same shape as the other tenant's that nobody has."""
        if kind in ("position", "delivery"):
            return str(99)
        known = self.other.ids.get(kind) or self.own.ids[kind]
        drawn = (self._rng.choice(next((each for each in _KINDS if sign in each), sign)) for sign in known[:12])
        return "".join(drawn) + known[12:]

    def _new(self, kind: str) -> str:
        names, admin = (lambda _: next(self._names)), self.own.ids["account"]
        with writing(self.engine) as connection:
            seed = Seeding(connection, self._rng.randbytes)
            if kind == "key":
                return seed.key(self.own.tenant, admin, "member")[1]
            if kind in ("bystander", "sleeper"):
                return self._bystander(seed, "suspended" if kind == "sleeper" else "active")
            if kind == "account":
                return seed.account(self.own.tenant, names, "member")
            if kind == "token":
                return seed.token(self.own.tenant, admin, self.own.ids["key"], "tenant_admin")[1]
            table = METADATA.tables[TABLES[kind]]
            row = seed.any_row(table, self.own.tenant, names) | {"tenant": self.own.tenant}
            if kind == "grant":
                row |= {"operator": self._outside["operator account"], "reason": "a fault that was reported"}
            seed.add(table, row)
            return str(row["id"])


TERMS = """
[[tenant]]
id = "somebody"
name = "Somebody"
kind = "external"

[[price]]
product = "*"
sku = "*"
from = 2020-01-01T00:00:00Z
unit_price = "2.00"
"""
TABLES = {"webhook": "all_webhook", "grant": "all_break_glass", "budget": "all_budget", "rental": "all_rental"}
# What "own" has and must not be shown either: how it is stored, and what the house keeps to itself.
INTERNAL = ("log source", "event.source", "log_position")
BAD_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "expired": {"expires_s": NOW_S},
    "revoked": {"revoked_s": NOW_S - 1},
    "not yet begun": {"not_before_s": NOW_S + 1, "expires_s": NOW_S + DAY_S},
    "of a pepper that is gone": {"pepper": 9},
}


@contextmanager
def api_world(place: str, rng: random.Random, **other: Any) -> Iterator[ApiWorld]:
    """A world that is closed at the end."""
    world = ApiWorld(place, rng, **other)
    try:
        yield world
    finally:
        world.door.close()
        world.engine.dispose()
