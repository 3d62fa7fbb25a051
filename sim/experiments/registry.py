"""Every experiment by its code; the module of one is imported when it is asked for."""

from importlib import import_module
from typing import NamedTuple

from sim.errors import SimError
from sim.experiments.experiment import Experiment
from tenants.errors import did_you_mean


class Entry(NamedTuple):
    """One line of the list; without a module the experiment is not there yet."""

    title: str
    module: str = ""


ENTRIES = {
    "E0": Entry("Public facts: does the engine reproduce what is public?", "e0_facts"),
    "E1": Entry("Gap backfill: what does filling the gap earn, and whom does it hurt?", "e1_gap"),
    "E2": Entry("Recall and notice: what is a notice of N days worth?", "e2_notice"),
    "E3": Entry("Mix: how much firm, how much flexible?", "e3_mix"),
    "E4": Entry("Real option: is the right to sell the surplus an insurance?", "e4_option"),
    "E5": Entry("Price fall and collateral: when does the lender call?", "e5_loans"),
    "E6": Entry("Efficiency shock: does cheaper inference free GPUs or eat them?", "e6_efficiency"),
    "E7": Entry("Failures and spares: how many hot spares, and may they be rented?", "e7_spares"),
    "E8": Entry("SLA frontier: what is 99.99 % worth?", "e8_sla"),
    "E9": Entry("Regions and residency"),
    "E10": Entry("Hosted or bare: which product earns most per GPU-hour of a gap?"),
    "E11": Entry("One whale or many: what does concentration cost?", "e11_whale"),
    "E12": Entry("Isolation under attack: can a tenant move another's bill, latency or data?", "e12_attacks"),
}


def experiment(code: str) -> Experiment:
    """Return an experiment by its code. Raises SimError: there is none of that name, or not yet."""
    entry = ENTRIES.get(code.upper())
    if entry is None:
        hint = did_you_mean(code, list(ENTRIES))
        raise SimError(
            f"no such experiment{hint}", code="unknown_name", path="CODE", found=code, allowed=["list", "all", *there()]
        )
    if not entry.module:
        raise SimError("not there yet", code="unknown_name", path="CODE", found=code.upper(), allowed=there())
    found = import_module(f"sim.experiments.{entry.module}").EXPERIMENT
    assert isinstance(found, Experiment)
    return found


def there() -> list[str]:
    """Return the codes of those that can be run."""
    return [code for code, entry in ENTRIES.items() if entry.module]
