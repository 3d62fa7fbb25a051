"""Named policies: rows of six short pure functions. To add one, add a row; every test of policies picks it up."""

from dataclasses import dataclass

from scheduler.errors import UnknownPolicyError
from scheduler.policy.backfill import Backfill, easy, greedy, none
from scheduler.policy.estimate import Estimate, history, user_limit
from scheduler.policy.lend import LENDS, Lend, all_idle, quantile_quota
from scheduler.policy.order import Order, fifo, shortest
from scheduler.policy.place import Place, fgd, first_fit, pack_domain, packed, spread
from scheduler.policy.rank import Rank, fair_tree, las, multifactor
from scheduler.policy.rotate import Rotate, by_rank
from scheduler.policy.victims import Victims, cheapest, gfs_waste, lyra, youngest_first

EVERYBODY = 1 << 40  # as a depth: all that wait are planned


@dataclass(frozen=True, slots=True)
class Policy:
    """How a core decides. What is granted stays granted under every policy: that is a promise, not a choice."""

    name: str
    order: Order = fifo
    place: Place = packed
    victims: Victims = youngest_first
    backfill: Backfill = easy
    lend: Lend = all_idle
    estimate: Estimate = user_limit
    rank: Rank | None = None  # an order that depends on the past; it then takes the place of `order`
    rotate: Rotate | None = None  # who makes way for the head of his own tier, for policies with a rank
    depth: int = 0  # how many waiters of each internal tier have a planned start; 0: the head alone is promised one
    blind: bool = False  # place internal work as if there were no renters, and evict whoever sits there

    @property
    def looks_back(self) -> bool:
        """Whether it has to be told of the past, and of control ticks."""
        return self.rank is not None or self.estimate is not user_limit


POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy("fcfs", backfill=none),
        Policy("easy"),
        Policy("easy_first_fit", place=first_fit),
        Policy("easy_spread", place=spread),
        Policy("conservative", depth=EVERYBODY),
        Policy("conservative_depth", depth=64),
        Policy("sjf", order=shortest),
        Policy("easy_predicted", estimate=history),
        Policy("fair_tree", rank=fair_tree),
        Policy("multifactor", rank=multifactor),
        # Tiresias 2D-LAS: needs no estimates, makes jobs take turns.
        Policy("tiresias", backfill=greedy, rank=las, rotate=by_rank),
        # Lyra-like (EuroSys 2023): shortest first, whatever is idle is lent out, and taken back by emptying node after
        # node, those first that cost the fewest gangs.
        Policy("lyra", order=shortest, victims=lyra),
        # Gangs stay together where the pool has a topology; without one, this is `easy`.
        Policy("easy_domain", place=pack_domain),
        # FGD: parts of nodes go where they break up the least, by the mix of jobs seen so far.
        Policy("easy_fgd", place=fgd),
        # The house rule of evictions: least credits and lost work, planned for each domain and for whole gangs.
        Policy("easy_cheapest", place=pack_domain, victims=cheapest),
        # The published rival (GFS, ASPLOS 2026): its quota with feedback, and its victims.
        Policy("gfs", victims=gfs_waste, lend=quantile_quota),
        # The policy of the exact identity: even with node faults, internal starts are those of the run without rentals.
        Policy("easy_blind", blind=True),
    )
}


def own_lend(name: str) -> str | None:
    """Return the lend function that a policy of this name brings along; None where it leaves that open."""
    policy = POLICIES.get(name)
    if policy is None or policy.lend is all_idle:
        return None
    return next((lend for lend, make in LENDS.items() if make(0) is policy.lend), None)


def policy_by_name(name: str) -> Policy:
    """Return the policy of that name. Raises UnknownPolicyError with the list of names."""
    if name not in POLICIES:
        raise UnknownPolicyError("unknown policy", path="policy", found=name, allowed=", ".join(POLICIES))
    return POLICIES[name]
