"""Who may do what, tried in every cell: each route of the application, each role, each kind of object, each bad key.

The second of the three general engines (E2). The table is data of the tests, written from the design and not from the
code that it judges. A route that is in one and not in the other fails: whoever adds a route adds one row here, and it
is attacked in every cell.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from asking import Answer, Ask, World, body_of, filled, routes_of, send
from two_worlds import first_difference
from work_count import counted

ROLES = ("member", "tenant_admin", "operator", "auditor", "agent")
TENANTS = ("member", "tenant_admin")
PROBLEM_BYTES_MAX = 2_000


class Rule(NamedTuple):
    """What must happen on a route.

    Args:
        roles:   who may; none: everybody, without a key.
        ids:     path parameter -> kind of the object that it names.
        hints:   values of fields of the body, where the smallest body would not do; "kind:" stands for an own object.
        changes: it changes something, so it leaves a row in the audit log...
        audited: ... unless what it changes is a log itself.
        uses_up: the object is gone afterwards, so each try needs a new one.
        foreign: "other" and "missing" objects meet this status.
        house:   the objects of all tenants are alike to whoever may come: there is no "other".
        query:   of every request.
        scope:   word that a key must hold beside its role; "": any key of the role will do.
        headers: of every request.
    """

    roles: tuple[str, ...] = ()
    ids: Mapping[str, str] = {}
    hints: Mapping[str, Any] = {}
    changes: bool = False
    audited: bool = True
    uses_up: bool = False
    foreign: int = 404
    house: bool = False
    query: str = ""
    scope: str = ""
    status: int = 0  # of success; 0: any from 200 to 299
    headers: Mapping[str, str] = {}


Table = Mapping[tuple[str, str], Rule]


class Cell(NamedTuple):
    """One try: who asks, for whose object, with which text as a key, and the status that must come ("2xx" is 200)."""

    method: str
    path: str
    role: str
    whose: str
    form: str
    expected: int

    def __str__(self) -> str:
        key = f" with a key that is {self.form}" if self.form else ""
        return f"{self.method} {self.path} by {self.role or 'nobody'}{key}, {self.whose} object"


def require_complete(world: World, table: Table) -> None:
    """Raises AssertionError: a route without a row, or a row without a route."""
    routes = set(routes_of(world.app))
    assert routes, "the application has no routes"
    missing, stale = sorted(routes - table.keys()), sorted(table.keys() - routes)
    assert not missing, f"routes that the table of the tests does not know: {missing}"
    assert not stale, f"rows of routes that are not there: {stale}"


def cells(route: tuple[str, str], rule: Rule, bad: Iterable[tuple[str, int]]) -> Iterator[Cell]:
    """Every cell of one route. `bad`: forms of bad keys, and what each must meet."""
    if not rule.roles:
        yield Cell(*route, "", "own", "", 200)
        return
    whoses = ("own",) if not rule.ids else ("own", "missing") if rule.house else ("own", "other", "missing")
    yield from (Cell(*route, "", "own", form, status) for form, status in bad)
    for role in ROLES:
        for whose in whoses:
            allowed = 200 if whose == "own" else rule.foreign
            yield Cell(*route, role, whose, "", allowed if role in rule.roles else 403)
    if rule.scope:
        role = next(each for each in ROLES if each in rule.roles)
        yield Cell(*route, f"{role} without {rule.scope}", "own", "", 403)


def ask_of(world: World, cell: Cell, rule: Rule) -> Ask:
    """The request of a cell. Operators' and auditors' own objects are those of the tenant "own"."""
    fresh = rule.uses_up and cell.expected == 200
    ids = {name: world.object(kind, cell.whose, fresh) for name, kind in rule.ids.items()}
    hints = {name: _named(world, value, fresh) for name, value in rule.hints.items()}
    body = body_of(world.app, cell.method, cell.path, hints)
    key = world.bad_keys()[cell.form][0] if cell.form else world.key(cell.role) if cell.role else ""
    return Ask(cell.method, filled(cell.path, ids) + rule.query, key, body, rule.headers)


def _named(world: World, value: Any, fresh: bool) -> Any:
    """A value of a body; "kind:" is the id of an own object, in a list too."""
    if isinstance(value, list):
        return [_named(world, each, fresh) for each in value]
    is_kind = isinstance(value, str) and value.endswith(":")
    return world.object(value[:-1], "own", fresh) if is_kind else value


def judge(cell: Cell, answer: Answer, success: int = 0) -> None:
    """Raises AssertionError: another status than the table's, or a refusal that is no short problem document."""
    expected = (success,) if success else range(200, 300)
    met = answer.status in expected if cell.expected == 200 else answer.status == cell.expected
    assert met, f"{cell}: {answer.status} instead of {cell.expected}: {answer.body[:200]!r}"
    if answer.status >= 400:
        require_problem(answer, str(cell))


def require_problem(answer: Answer, what: str) -> None:
    """Raises AssertionError: a refusal that is no short problem document."""
    kind = dict(answer.headers).get("content-type", "")
    assert kind.startswith("application/problem+json"), f"{what}: refused as {kind or 'nothing'}"
    assert len(answer.body) <= PROBLEM_BYTES_MAX, f"{what}: a problem document of {len(answer.body)} bytes"


def try_route(world: World, route: tuple[str, str], rule: Rule, bad: Collection[str] | None = None) -> int:
    """Try every cell of a route, with bad keys of the forms `bad` or of all; return how many cells.

    Raises:
        AssertionError: a cell is not as the table says, a refusal changed something, or a change left no audit row.
    """
    forms = [(form, status) for form, (_, status) in world.bad_keys().items() if bad is None or form in bad]
    every = sorted(cells(route, rule, forms), key=lambda cell: cell.expected == 200)
    refused = [cell for cell in every if cell.expected != 200]
    for cell in every:
        if cell.role:
            world.key(cell.role)  # a key of a kind that has not been used yet is made now
    before = world.database()
    for cell in every:
        world.steady()
        if cell.expected == 200 and refused:
            assert_same(before, world.database(), f"refusals on {route[0]} {route[1]}")
            refused = []
        ask = ask_of(world, cell, rule)
        noted = rule.changes and rule.audited and cell.expected == 200
        rows = world.audit_rows() if noted else 0
        judge(cell, send(world.client, ask), rule.status)
        if noted:
            assert world.audit_rows() > rows, f"{cell}: a change without a row in the audit log"
    if refused or not rule.changes:
        assert_same(before, world.database(), f"{'refusals' if refused else 'reading'} on {route[0]} {route[1]}")
    return len(every)


def assert_same(before: Mapping[str, object], after: Mapping[str, object], what: str) -> None:
    """Raises AssertionError: names the tables that changed."""
    changed = [name for name in after if before.get(name) != after[name]]
    assert not changed, f"{what} changed {', '.join(changed)}"


def require_alike(world: World, route: tuple[str, str], rule: Rule, role: str) -> Answer:
    """Ask for another tenant's object and for one that nobody has: one answer, byte for byte, for the same work.

    Raises:
        AssertionError: status, headers, body, statements or rows visited differ.
    """
    answers, work = [], []
    for whose in ("missing", "other", "missing"):  # the first one warms caches of prepared statements
        cell = Cell(*route, role, whose, "", rule.foreign)
        ask = ask_of(world, cell, rule)
        world.steady(0)
        with counted() as done:
            answers.append(send(world.client, ask))
        work.append(done)
    other, missing = answers[1:]
    what = f"{route[0]} {route[1]} by {role}"
    assert other.seen == missing.seen, (
        f"{what} tells a foreign id from an unknown one: {first_difference(other.seen, missing.seen)}"
    )
    assert work[1].count == work[2].count, (
        f"{what} works {work[1].count} (statements, rows) for a foreign id and {work[2].count} for an unknown one"
    )
    return other
