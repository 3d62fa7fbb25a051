"""What the invoices of a finished run are made of: its closed books, its terms, where its facts came from, and who
held what.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from billing.closing.holdings import Held
from billing.closing.month import Basis
from billing.closing.told import told_to, told_until
from billing.log.event import Event, event_hash
from billing.metering.classes import BY_RULE, charge_marks, free_rules
from billing.terms import Terms
from billing.usage import CAUSES, SegmentTable
from sim.folder.books import read_books
from sim.folder.log import events_of
from sim.folder.run_folder import RunFolder
from sim.folder.terms import run_terms
from sim.result import IntArray
from sim.told import allocation_names


def run_basis(run: RunFolder) -> Basis:
    """Return the basis of a run's invoices: their facts are the events that the run is as a log.

    Raises:
        SimError: a file of the folder is damaged.

    Cost: that of making all events of the run once, for their hash.
    """
    last: deque[Event] = deque(maxlen=1)
    told = told_to(_noting(events_of(run), last))
    log = told_until([(event.source, event.seq, event_hash(event)) for event in last])
    return Basis(read_books(run), run_terms(run), *log, told)


def _noting(events: Iterable[Event], last: deque[Event]) -> Iterator[Event]:
    for event in events:
        last.append(event)
        yield event


def run_held(run: RunFolder, terms: Terms) -> Held:
    """Return who held what in a run, with the parts that its products do not charge in full.

    Raises:
        SimError: a file of the folder is damaged.
    """
    names = run.names
    held = run.columns("allocations")
    none = np.zeros(len(held["gpus"]), dtype=np.int64)
    segments = SegmentTable(
        job=none,
        tenant=_codes(held["tenant"], names.tenants),
        product=_codes(held["product"], names.products),
        region=_codes(held["region"], names.regions),
        sku=_codes(held["sku"], names.skus),
        gpus=held["gpus"],
        start_s=held["start_s"],
        end_s=held["end_s"],
        cause=_codes(held["cause"], CAUSES),
    )
    charging = BY_RULE._replace(stalled_s=held["stalled_s"])
    marks = charge_marks(segments, free_rules(names, terms.registry), charging)
    return Held(segments, marks, allocation_names(held["job_id"].tolist(), held["start_s"].tolist()))


def _codes(words: IntArray, known: tuple[str, ...]) -> IntArray:
    code_of = {word: code for code, word in enumerate(known)}
    return np.fromiter(map(code_of.__getitem__, words.tolist()), dtype=np.int64, count=len(words))
