"""The audit log in a store: what an entry costs, where it goes, and who may not read past what is his."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event

from billing.store.audit import entries_of, entry_at, erase, heads_in, proof_of, record, tree_in
from billing.store.check_audit import check_audit
from billing.store.engine import open_store, reading, writing
from billing.store.migrate import init
from tenants.audit.checkpoint import AuditError
from tenants.audit.merkle import Tree
from tenants.audit.proof import proof_faults

NOW_S = 1_767_225_600


@pytest.fixture
def store(store_place: str) -> Engine:
    engine = open_store(store_place, create=True)
    init(engine, NOW_S)
    return engine


def test_an_entry_costs_as_many_statements_in_a_long_log_as_in_a_short_one(store: Engine) -> None:
    statements: list[str] = []
    event.listen(store, "before_cursor_execute", lambda _c, _cur, sql, *_: statements.append(sql))
    costs = []
    with writing(store) as connection:
        for number in range(70):
            statements.clear()
            record(connection, "acme", "local", "test.done", str(number), "", {"n": number}, NOW_S)
            costs.append(len(statements))
    assert costs[0] == 6 and set(costs[1:]) == {4}
    with reading(store) as connection:
        (head,) = [head for head in heads_in(connection) if head.tenant == "acme"]
        tree = tree_in(connection, "acme")
    assert (len(tree), tree.root().hex()) == (head.size, head.root) == (70, head.root)
    assert tree.frontier() == Tree(tree.leaves).frontier()


def test_each_tenant_counts_for_itself_and_a_new_store_has_said_so(store: Engine) -> None:
    with writing(store) as connection:
        for number in range(3):
            for tenant in ("acme", "globex"):
                record(connection, tenant, "local", "test.done", f"{tenant}-{number}", "why", {}, NOW_S + number)
        assert record(connection, "", "local", "test.done", "x", "", {}, NOW_S).position == 2
    with reading(store) as connection:
        assert [row.entry.position for row in entries_of(connection, "globex")] == [1, 2, 3]
        assert [row.entry.object for row in entries_of(connection, "acme", after=1, limit=1)] == ["acme-1"]
        first = entry_at(connection, "", 1)
        assert (first.entry.action, first.entry.time_s) == ("store.upgrade", NOW_S)
        assert check_audit(connection)[1] == []
        assert [log.tenant for log in check_audit(connection, tenant="acme")[0]] == ["acme"]
        assert proof_faults(proof_of(connection, "acme", 2)) == []
        with pytest.raises(AuditError, match="no such entry in the log of globex"):
            proof_of(connection, "globex", 4)


def test_erasing_what_is_not_there_erases_nothing(store: Engine) -> None:
    with writing(store) as connection:
        record(connection, "acme", "local", "test.done", "x", "", {"name": "Jane"}, NOW_S)
    with pytest.raises(AuditError, match="no such entry"), writing(store) as connection:
        erase(connection, "acme", [1, 2], "local", "asked", NOW_S)
    with reading(store) as connection:
        assert [row.details for row in entries_of(connection, "acme")] == ['{"name":"Jane"}']


def test_writers_side_by_side_take_their_places_one_after_the_other(store: Engine) -> None:
    def write(who: str) -> None:
        for number in range(6):
            with writing(store) as connection:
                record(connection, "acme", who, "test.done", str(number), "", {}, NOW_S)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, ("a", "b", "c", "d")))
    with reading(store) as connection:
        entries = [row.entry for row in entries_of(connection, "acme")]
        assert check_audit(connection)[1] == []
    assert [entry.position for entry in entries] == list(range(1, 25))
    for who in "abcd":
        assert [int(entry.object) for entry in entries if entry.actor == who] == list(range(6))
