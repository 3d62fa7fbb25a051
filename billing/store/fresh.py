"""Which facts of a file are news to the log. Files of past use overlap: a job stands in today's and in yesterday's.

Each file becomes a source of its own, `NAME/<hash of the file>`, since its events are in order of time while those of
two files are not. What another source `NAME/...` has told already, or an earlier line, is not told again.
"""

from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection, bindparam, select

from billing.intake.to_events import Fact
from billing.log.event import canonical
from billing.store.tables_log import event
from billing.store.writer import Aside

_CHUNK = 500
Content = tuple[str, int, str, str]  # type, time_s, subject, data


def fresh_facts(
    connection: Connection, name: str, source: str, facts: Sequence[Fact]
) -> tuple[list[Fact], int, list[Aside]]:
    """Return the facts that are news, how many are not, and those that contradict what was told under their id.

    Cost: one look-up per 500 facts.
    """
    columns = event.c
    wanted = select(columns.id, columns.source, columns.type, columns.time_s, columns.subject, columns.data).where(
        columns.source.startswith(f"{name}/", autoescape=True),
        columns.source != source,
        columns.id.in_(bindparam("ids", expanding=True)),
    )
    fresh: list[Fact] = []
    aside: list[Aside] = []
    told: dict[str, tuple[str, Content]] = {}  # by id: who told it, and what
    for at in range(0, len(facts), _CHUNK):
        chunk = facts[at : at + _CHUNK]
        rows = connection.execute(wanted, {"ids": [fact.id for fact in chunk]})
        told.update((id_, (other, (type_, *rest))) for id_, other, type_, *rest in rows)
        for fact in chunk:
            content = (fact.type, fact.time_s, fact.subject, canonical(fact.data))
            known = told.setdefault(fact.id, (source, content))
            if known[1] != content:
                aside.append(_aside(source, fact.id, content, *known))
            elif known[0] == source and known[1] is content:
                fresh.append(fact)
    return fresh, len(facts) - len(fresh) - len(aside), aside


def _aside(source: str, id_: str, content: Content, other: str, known: Content) -> Aside:
    text, there = ("\n".join(map(str, each)) for each in (content, known))
    hashes = [sha256(each.encode()).hexdigest() for each in (text, there)]
    return Aside(source, id_, hashes[0], f"conflict with {other}", hashes[1], text)
