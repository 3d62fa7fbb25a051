"""Two engines, one result: the core driven by SimPy, and the kernel of `scheduler.kernel` with its own clock.

The kernel does what the core does, in flat arrays, for the features listed in `unsupported`; it is compiled where the
extra `numba` is installed. Which one ran stands nowhere in a result: they are the same, byte for byte.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from scheduler.core import Decision
from scheduler.events import NEVER, Event, EventKind
from scheduler.kernel import arrays, state
from scheduler.kernel import fields as f
from scheduler.nodes.nodeset import of_rows
from scheduler.policies import Policy
from scheduler.policy.backfill import easy
from scheduler.policy.backfill import none as no_backfill
from scheduler.policy.place import first_fit, pack_domain, packed
from scheduler.policy.victims import youngest_first
from scheduler.tables import DEFAULTS
from scheduler.tape import step_line
from sim.engine import compiled
from sim.engine.recorder import Recorder
from sim.errors import SimError
from sim.result import IntArray, World
from tenants.band import Band

ENGINES = ("auto", "python", "numba")
WORTH_EVENTS = 200_000  # below this, compiling takes longer than it saves
LENDS = {"none": f.LEND_NONE, "all_idle": f.LEND_ALL_IDLE, "fixed_headroom": f.LEND_FIXED}
PARTS = {
    "name": None,
    "order": None,  # any that is worked out once
    "place": (packed, first_fit, pack_domain),
    "victims": (youngest_first,),
    "backfill": (easy, no_backfill),
    "lend": None,
    "blind": None,
}
KNOWN_OF_WORLD = "control_interval_s"  # the last field of World that it heeds; the rest is at its defaults
KNOWN_OF_POOL, KNOWN_OF_PRODUCT, KNOWN_OF_RESERVATION = 3, 9, 5
HEEDLESS = (
    "lending",
    "pool_levels",
    "announced_s",
    "credit_micro_usd",
    "micro_usd_per_gpu_h",
)  # heeded by parts outside PARTS alone
STEPS_AT_ONCE = 1 << 16


class Kernel(NamedTuple):
    """The two entries of the kernel, compiled or not."""

    advance_run: Callable[..., int]
    close_run: Callable[..., None]


def unsupported(recorder: Recorder, lend: str) -> str | None:
    """Return what the kernel cannot do of all that a run asks for, or None."""
    core, world = recorder.core, recorder.world
    if recorder.waits is not None:
        return "what each job waited for (--no-reasons does without)"
    for field in fields(Policy):
        allowed = PARTS.get(field.name, (field.default,))
        if allowed is not None and getattr(core.policy, field.name) not in allowed:
            return f"policy {core.policy.name}: {field.name}"
    if lend not in LENDS:
        return f"lend policy {lend}"
    names = [field.name for field in fields(World)]
    for field in fields(World)[names.index(KNOWN_OF_WORLD) + 1 :]:
        if field.name in HEEDLESS:
            continue
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if not _equal(getattr(world, field.name), default):
            return field.name
    tables: tuple[tuple[tuple[Any, ...], int], ...] = (
        (world.pools, KNOWN_OF_POOL),
        (world.products, KNOWN_OF_PRODUCT),
        (world.reservations, KNOWN_OF_RESERVATION),
    )
    for rows, known in tables:
        for row in rows:
            for name in row._fields[known:]:
                if getattr(row, name) != row._field_defaults[name]:
                    return str(name)
    for name, default in DEFAULTS.items():
        if name not in HEEDLESS and (core.jobs.array(name) != default).any():
            return f"jobs with {name}"
    if any(product.band == Band.RESERVED and not product.whole_nodes for product in world.products):
        return "RESERVED products on parts of nodes"
    if any(product.rolling and product.guarantee_s > state.GUARANTEE_MOST_S for product in world.products):
        return f"rolling guarantees above {state.GUARANTEE_MOST_S:,} s"
    if core.jobs.count >= f.ROWS or state.cell_count(core) > state.CELLS_MOST or world.horizon_s <= 0:
        return "a cluster of this size"
    return None


def _equal(value: Any, default: Any) -> bool:
    """Whether a field of a world is as it is by default, whatever it holds."""
    if is_dataclass(value) and type(value) is type(default):
        return all(_equal(getattr(value, field.name), getattr(default, field.name)) for field in fields(value))
    if isinstance(value, np.ndarray) or isinstance(default, np.ndarray):
        return isinstance(value, type(default)) and np.array_equal(value, default)
    return bool(value == default)


def chosen(engine: str, recorder: Recorder, lend: str) -> bool:
    """Whether the kernel runs this. Raises SimError when it is asked for by name and cannot."""
    if engine not in ENGINES:
        raise SimError("unknown engine", path="--engine", found=engine, allowed=", ".join(ENGINES))
    if engine == "python":
        return False
    obstacle = unsupported(recorder, lend)
    if engine == "auto":
        worth = 2 * (recorder.core.jobs.count + len(recorder.world.faults.node)) >= WORTH_EVENTS
        return worth and obstacle is None and compiled.installed()
    if obstacle is not None:
        raise SimError(
            "the compiled engine cannot run this", path="--engine numba", found=obstacle, allowed="--engine python"
        )
    if not compiled.installed():
        raise SimError(
            "numba is not installed",
            path="--engine numba",
            allowed="--engine python, or the extra: pip install 'spillway[numba]'",
        )
    return True


def told(world: World, ticks: bool) -> state.Told:
    """Return what the world will tell: contracts, faults, and the control clock if there is anything to lend."""
    events = [(row.from_s, Event(EventKind.CONTRACT_BEGIN, number)) for number, row in enumerate(world.reservations)]
    events += [
        (row.until_s, Event(EventKind.CONTRACT_END, number))
        for number, row in enumerate(world.reservations)
        if row.until_s < NEVER
    ]
    node, down_s, up_s = (column.tolist() for column in (world.faults.node, world.faults.down_s, world.faults.up_s))
    events += [(at_s, Event(EventKind.NODE_DOWN, row)) for at_s, row in zip(down_s, node, strict=True)]
    events += [(at_s, Event(EventKind.NODE_UP, row)) for at_s, row in zip(up_s, node, strict=True)]
    return state.Told(events, world.control_interval_s if ticks else 0, world.horizon_s)


def drive(recorder: Recorder, world_told: state.Told, lend: str, headroom_nodes: int, kernel: Kernel) -> int:
    """Run the recorder's core to its end in the kernel, and return the number of events.

    The recorder gets what it would have got step by step, and the job table what became of each job.
    """
    run = _Run(recorder, world_told, LENDS[lend], headroom_nodes)
    run.go(kernel)
    return run.finish(kernel)


class _Run:
    """One run of the kernel: its arrays, and what it has let go of so far."""

    def __init__(self, recorder: Recorder, world_told: state.Told, lend: int, headroom_nodes: int) -> None:
        self.recorder, self.core = recorder, recorder.core
        self.s, self.j, self.h, self.o = state.state_of(
            self.core,
            world_told,
            lend,
            headroom_nodes,
            taped=recorder.tape is not None,
            metered=recorder.metered,
        )
        self.horizon_s = world_told.horizon_s

    def go(self, kernel: Kernel) -> None:
        """Go on to the end."""
        while True:
            back = int(kernel.advance_run(self.s, self.j, self.h, self.o, STEPS_AT_ONCE))
            assert not self.s[f.ERROR], f"the kernel went wrong: error {self.s[f.ERROR]}"
            if back == f.FINISHED_ALL:
                return
            if back == f.HEAP_FULL:
                self.h = np.concatenate([self.h, np.zeros_like(self.h)])
            elif back == f.OUTBOX_FULL:
                empty = not self.o[2 : 3 * f.SECTION_COUNT : 3].any()
                self.take_out()
                if empty:
                    self.o = arrays.outbox_of(2 * int(self.o[1]))
            elif self.recorder.progress:
                self.recorder.progress(int(self.s[f.NOW_S]))

    def take_out(self) -> None:
        """Hand what lies in the outbox to the recorder."""
        sections = [arrays.section_of(self.o, section) for section in range(f.SECTION_COUNT)]
        segments = sections[f.SEGMENTS]
        self.recorder.take_columns(
            segments[:, :-1],
            segments[:, -1],
            sections[f.SEGMENT_NODES][:, 0],
            sections[f.STARTED],
            sections[f.EVICTED],
            sections[f.FAULTED],
            sections[f.IDLES],
        )
        if self.recorder.tape is not None:
            self.recorder.tape += _tape_lines(sections)
        arrays.empty_outbox(self.o)

    def finish(self, kernel: Kernel) -> int:
        """Cut what is open at the horizon, and write everything back."""
        self.take_out()
        rows = int(4 * self.s[f.LIVE_NODES]) + 1
        if rows > self.o[1]:
            self.o = arrays.outbox_of(rows)
        now_s = int(self.s[f.NOW_S])
        self.s[f.NOW_S] = self.horizon_s if self.horizon_s < NEVER else max(now_s, 0)
        kernel.close_run(self.s, self.j, self.o)
        self.take_out()
        self.s[f.NOW_S] = now_s
        arrays.write_back(self.core, arrays.State(self.s, self.j, self.h, self.o))
        return int(self.s[f.EVENT_COUNT])


def _tape_lines(sections: list[IntArray]) -> Iterator[str]:
    """Yield the line of each step in the outbox."""
    events = sections[f.EVENTS].tolist()
    decisions = sections[f.DECISIONS].tolist()
    nodes = sections[f.DECISION_NODES][:, 0].tolist()
    event, decision, node = 0, 0, 0
    for now_s, events_end, decisions_end in sections[f.STEPS_TAKEN].tolist():
        made: list[Decision] = []
        for what, job, number, node_end in decisions[decision:decisions_end]:
            made.append((f.WORDS_OF_DECISIONS[what], job, number, of_rows(nodes[node:node_end])))
            node = node_end
        yield step_line(now_s, [Event(*row) for row in events[event:events_end]], made)
        event, decision = events_end, decisions_end
