"""Price models straight from their formulas, in Decimal: one hour after the other, nothing shared with the product.

A price is the mapping of one `[[price]]` table, hours are (quantity in base units, factor in basis points) in the order
of time. Everything is reckoned in base units, so that nothing has to be divided: results are amounts times `per`, the
base units in one priced unit. Each rule that a broken twin gets wrong is a function of its own in `Rules`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from typing import Any

Hour = tuple[int, int]
WHOLE = {"ceiling": ROUND_CEILING, "floor": ROUND_FLOOR, "half_up": ROUND_HALF_UP}


def begun(units: Decimal, size: Decimal) -> Decimal:
    """Blocks of `size` that `units` begin."""
    whole, rest = divmod(units, size)
    return whole + (rest > 0)


def within(units: Decimal, bound: Decimal) -> bool:
    """Whether a tier still holds a quantity: its bound is inclusive."""
    return units <= bound


def discounted_then_capped(amount: Decimal, share: Decimal, cap: Decimal | None) -> Decimal:
    """The percentage goes first."""
    amount -= amount * share
    return amount if cap is None else min(amount, cap)


def of_the_month(units: Decimal, free: Decimal) -> Decimal:
    """Free units go once a month."""
    return max(Decimal(0), units - free)


@dataclass(frozen=True)
class Rules:
    begun: Callable[[Decimal, Decimal], Decimal] = begun
    within: Callable[[Decimal, Decimal], bool] = within
    bound: Callable[[Decimal, Decimal, Decimal | None], Decimal] = discounted_then_capped
    free: Callable[[Decimal, Decimal], Decimal] = of_the_month


RULES = Rules()


def month(price: dict[str, Any], hours: Sequence[Hour], per: int, rules: Rules = RULES) -> list[Decimal]:
    """What each hour of a month adds, times `per`."""
    with localcontext() as context:
        context.prec = 120
        used = [Decimal(quantity) * factor_bp / 10_000 for quantity, factor_bp in hours]
        total = billable(price, sum(used, Decimal(0)), per, rules)
        so_far, paid, shares = Decimal(0), Decimal(0), []
        for number, more in enumerate(used, start=1):
            so_far += more
            amount = amount_of(price, billable(price, so_far, per, rules), total, per, rules)
            if "minimum" in price and number == len(used):
                amount = max(amount, Decimal(price["minimum"]) * per)
            shares.append(amount - paid)
            paid = amount
        return shares


def billable(price: dict[str, Any], used: Decimal, per: int, rules: Rules) -> Decimal:
    """Base units that are left to be priced: converted, rounded to whole units, free ones taken off."""
    if convert := price.get("convert"):
        factor = Decimal(convert["factor"])
        used = used * factor if convert["op"] == "multiply" else used / factor
        if convert["rounding"] != "none":
            used = (used / per).to_integral_value(WHOLE[convert["rounding"]]) * per
    return rules.free(used, Decimal(price.get("free_units", 0)) * per)


def amount_of(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    """The amount of `units` base units, times `per`, in a month that comes to `total`; without its minimum."""
    amount = MODELS[price["model"]](price, units, total, per, rules)
    cap = Decimal(price["maximum"]) * per if "maximum" in price else None
    return rules.bound(amount, Decimal(price.get("discount_bp", 0)) / 10_000, cap)


def standard(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    return units * Decimal(price["unit_price"])


def percentage(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    return units * Decimal(price["rate_percent"]) / 100


def graduated(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    amount, lower = Decimal(0), Decimal(0)
    for number, tier in enumerate(price["tiers"]):
        if number and rules.within(units, lower):
            break
        upper = Decimal(tier["up_to"]) * per if "up_to" in tier else units
        inside = min(units, upper) - lower
        unit = Decimal(tier["unit_price"]) if "unit_price" in tier else Decimal(tier["rate_percent"]) / 100
        amount += Decimal(tier.get("flat", 0)) * per + inside * unit
        lower = upper
    return amount


def volume(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    for tier in price["tiers"]:
        if "up_to" not in tier or rules.within(total, Decimal(tier["up_to"]) * per):
            return Decimal(tier.get("flat", 0)) * per + units * Decimal(tier["unit_price"])
    raise AssertionError("the last tier has no bound")


def package(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    return rules.begun(units, Decimal(price["package_size"]) * per) * Decimal(price["package_price"]) * per


def block_all_tiers(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    amount, left = Decimal(0), units
    for number, tier in enumerate(price["tiers"]):
        size, last = Decimal(tier["block_size"]) * per, number == len(price["tiers"]) - 1
        taken = left if last else min(left, size * tier["max_blocks"])
        amount += rules.begun(taken, size) * Decimal(tier["price"]) * per
        left -= taken
    return amount


def block_top_tier(price: dict[str, Any], units: Decimal, total: Decimal, per: int, rules: Rules) -> Decimal:
    end = Decimal(0)
    for number, tier in enumerate(price["tiers"]):
        size = Decimal(tier["block_size"]) * per
        end += size * tier.get("max_blocks", 0)
        if number == len(price["tiers"]) - 1 or rules.within(total, end):
            return rules.begun(units, size) * Decimal(tier["price"]) * per
    raise AssertionError("no tier")


MODELS = {
    "standard": standard,
    "percentage": percentage,
    "graduated": graduated,
    "graduated_percentage": graduated,
    "volume": volume,
    "package": package,
    "block_all_tiers": block_all_tiers,
    "block_top_tier": block_top_tier,
}
