"""The bridge between SimPy and the core: SimPy owns the clock, the core decides once per instant.

World processes report what happens. When nothing else is due at this instant, the core is told at once; otherwise a
decision is scheduled at the same time with a priority after everything else, so that the core always sees all of an
instant together. Nothing is ever cancelled: a timer carries its job's epoch and the core ignores a stale one.
"""

from collections.abc import Callable

import simpy
from simpy.events import Event as SimEvent
from simpy.events import EventPriority

from scheduler.core import Core
from scheduler.events import NEVER, Event

LAST = EventPriority(2)  # after SimPy's URGENT (0) and NORMAL (1)


class Driver:
    """Feeds one core from one SimPy environment."""

    def __init__(self, env: simpy.Environment, core: Core, after_step: Callable[[int, list[Event]], None]) -> None:
        """`after_step(now_s, events)` is called after each step, to collect what the core let go of."""
        self.env = env
        self.core = core
        self.after_step = after_step
        self.event_count = 0
        self._batch: list[Event] = []

    def happen(self, events: list[Event]) -> None:
        """Report what happened now. Whoever has several things to say of one instant says them in one call."""
        env = self.env
        if self._batch:
            self._batch += events
        elif env.peek() > env.now:
            self._decide(events)
        else:
            self._batch = list(events)
            decision = SimEvent(env)
            decision._ok, decision._value = True, None
            decision.callbacks = [self._decide_last]
            env.schedule(decision, priority=LAST)

    def _decide_last(self, _: SimEvent) -> None:
        events, self._batch = self._batch, []
        self._decide(events)

    def _decide(self, events: list[Event]) -> None:
        env = self.env
        now_s = int(env.now)
        self.event_count += len(events)
        for at_s, event in self.core.step(now_s, events):
            if at_s < NEVER:
                timeout = env.timeout(at_s - now_s, event)
                timeout.callbacks.append(self._ring)
        self.after_step(now_s, events)

    def _ring(self, timeout: SimEvent) -> None:
        self.happen([timeout._value])
