"""What may be named as a policy or a lend function, told from the functions themselves: one line each."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from scheduler.policies import EVERYBODY, POLICIES, Policy
from scheduler.policy.lend import LENDS, lend_by_name

# What a part says that is no function.
FLAGS = {"blind": "Place internal work as if there were no renters, and evict whoever sits there."}


def policies() -> list[dict[str, str]]:
    """Return name, meaning and the parts of each policy. The meaning tells the parts that are not the default ones."""
    return [{"name": policy.name, "means": _meaning(policy), **_parts(policy)} for policy in POLICIES.values()]


def lends() -> list[dict[str, str]]:
    """Return name and meaning of each lend function; one that is made with a setting is told by its maker."""
    found = []
    for name, maker in LENDS.items():
        lend = lend_by_name(name)
        found.append({"name": name, "means": _first_sentence(lend if lend.__doc__ else maker)})
    return found


def _parts(policy: Policy) -> dict[str, str]:
    """The parts of a policy by their names; `lend` is left out, since each run names its own."""
    shown = [field.name for field in fields(Policy) if field.name not in ("name", "lend")]
    return {part: _word(getattr(policy, part)) for part in shown}


def _meaning(policy: Policy) -> str:
    usual = Policy(policy.name)
    own = [part for part in _parts(policy) if getattr(policy, part) != getattr(usual, part)]
    if not own:
        return f"the default; backfill: {_first_sentence(usual.backfill)}"
    found = [getattr(policy, part) for part in own]
    told = [
        f"{part}: {_first_sentence(value)}" if callable(value) else _told(part, value)
        for part, value in zip(own, found, strict=True)
    ]
    return " ".join(told)


def _told(part: str, value: Any) -> str:
    """What a part says that is no function."""
    if part == "depth":
        return f"Plan a start for {'every waiting job' if value == EVERYBODY else f'the first {value} waiting jobs'}."
    return FLAGS.get(part, f"{part}: {_word(value)}.")


def _word(value: Any) -> str:
    """The name of a function; a flag or number as it is."""
    if value is None or value == EVERYBODY:
        return "none" if value is None else "all"
    return value.__name__ if callable(value) else str(value).lower()


def _first_sentence(function: Callable[..., object]) -> str:
    """The first sentence of a docstring, on one line."""
    text = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    return text.partition(". ")[0].removesuffix(".") + "."
