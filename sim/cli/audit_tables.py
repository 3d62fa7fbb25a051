"""Tables and words of `spillway audit`. Nothing in them does more than print, whoever wrote into the log."""

from typing import TYPE_CHECKING

from sim.cli.output import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billing.store.audit import Written
    from tenants.audit.checkpoint import Fault, TreeHead


def in_words(fault: "Fault") -> str:
    where = f"line {fault.position} of the witness file" if fault.tenant is None else f"entry {fault.position}"
    whose = "" if fault.tenant is None else f" of {fault.tenant or 'the house'}"
    return f"{where}{whose}: {fault.what}"


def faults_table(faults: "Sequence[Fault]") -> Table:
    rows = [
        ["(witness)" if fault.tenant is None else fault.tenant or "(house)", str(fault.position), fault.what]
        for fault in faults
    ]
    return Table("Faults", ("log", "position>", "what"), rows)


def heads_table(heads: "Sequence[TreeHead]") -> Table:
    rows = [[head.tenant or "(house)", str(head.size), head.root] for head in heads]
    return Table("Audit logs", ("log", "entries>", "root"), rows)


def entries_table(tenant: str, found: "Sequence[Written]") -> Table:
    """A row per entry."""
    from billing.months import utc_text
    from tenants.audit.entry import shown

    rows = [
        [
            str(entry.position),
            utc_text(entry.time_s),
            *map(shown, (entry.actor, entry.action, entry.object, entry.reason)),
            "(erased)" if details is None else shown(details),
        ]
        for entry, details in found
    ]
    heads = ("position>", "time", "actor", "action", "object", "reason", "details")
    return Table(f"Audit log of {shown(tenant) or 'the house'}", heads, rows)
