"""What one key of a contract cannot say about another one: each refusal names the key path and what is allowed."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from tenants.band import Band
from tenants.capacity import spans
from tenants.contract import Contract
from tenants.errors import TenantError
from tenants.lookup import refuse_duplicates, row_of
from tenants.product import Product
from tenants.wallet import SpendAlert, Wallet

_HOUR_S = 3_600


def refuse_unknown_parties(
    contracts: Sequence[Contract],
    tenant_rows: Mapping[str, int],
    product_rows: Mapping[str, int],
    products: Sequence[Product],
) -> None:
    """Raise TenantError for a contract with an unknown tenant or product, or a product that nobody reserves."""
    refuse_duplicates("contract", "id", [contract.id for contract in contracts])
    reserved = tuple(product.code for product in products if product.band is Band.RESERVED)
    for row, contract in enumerate(contracts):
        row_of("tenant", contract.tenant, tenant_rows, path=f"contract[{row}].tenant")
        place = f"contract[{row}].product"
        band = products[row_of("product", contract.product, product_rows, path=place)].band
        if band is not Band.RESERVED:
            message = f"a contract needs a product in band RESERVED, this one is in {band.name}"
            raise TenantError(message, path=place, found=contract.product, allowed=reserved)
        for drawn in contract.take_or_pay.products if contract.take_or_pay else ():
            row_of("product", drawn, product_rows, path=f"contract[{row}].take_or_pay.products")


def refuse_unknown_payers(
    wallets: Sequence[Wallet],
    alerts: Sequence[SpendAlert],
    contracts: Sequence[Contract],
    tenant_rows: Mapping[str, int],
) -> None:
    """Raise TenantError for a wallet or an alert of an unknown tenant, and for an id that stands twice.

    What is prepaid under a contract is a wallet with the contract's id.
    """
    refuse_duplicates("wallet", "id", [wallet.id for wallet in wallets])
    refuse_duplicates("spend_alert", "id", [alert.id for alert in alerts])
    prepaid = {contract.id: row for row, contract in enumerate(contracts) if contract.prepayment}
    for row, wallet in enumerate(wallets):
        row_of("tenant", wallet.tenant, tenant_rows, path=f"wallet[{row}].tenant")
        if wallet.id in prepaid:
            message = f"what is prepaid under contract[{prepaid[wallet.id]}] has this id"
            raise TenantError(message, code="duplicate", path=f"wallet[{row}].id", found=wallet.id)
    for row, alert in enumerate(alerts):
        row_of("tenant", alert.tenant, tenant_rows, path=f"spend_alert[{row}].tenant")


def refuse_impossible(contracts: Sequence[Contract]) -> None:
    """Raise TenantError for the first contract whose terms do not fit each other, or those of another one.

    Cost: O(contracts squared) of one tenant, with a handful of steps each.
    """
    for row, contract in enumerate(contracts):
        path = f"contract[{row}]"
        if not contract.nodes and not contract.steps and not (contract.take_or_pay or contract.prepayment):
            allowed = "at least 1, or a contract with take_or_pay or prepayment"
            raise _impossible("promises nothing", f"{path}.nodes", 0, allowed)
        _refuse_delivery(contract, path)
        _refuse_steps(contract, path)
        _refuse_recalls(contract, path)
        _refuse_end(contract, path)
        _refuse_floor(contract, path)
    _refuse_two_floors(contracts)


def _refuse_delivery(contract: Contract, path: str) -> None:
    levels = [("", contract.from_s, contract.delivered_s, contract.nodes)]
    levels += [(f".steps[{row}]", step.from_s, step.delivered_s, step.nodes) for row, step in enumerate(contract.steps)]
    before = 0
    for place, from_s, delivered_s, nodes in levels:
        if delivered_s is not None:
            where = f"{path}{place}.delivered_s"
            if delivered_s < from_s:
                raise _impossible("delivered before it is promised", where, delivered_s, f"{from_s} or later")
            if nodes < before:
                raise _impossible("fewer nodes than before need no delivery", where, delivered_s, "no such key")
        before = nodes


def _refuse_steps(contract: Contract, path: str) -> None:
    earlier_s = contract.from_s
    for row, step in enumerate(contract.steps):
        where = f"{path}.steps[{row}].from_s"
        if step.from_s >= contract.end_s:
            raise _impossible("the term is over by then", where, step.from_s, f"before {contract.end_s}")
        if step.from_s <= earlier_s:
            raise _impossible("overlaps the row before it", where, step.from_s, f"later than {earlier_s}")
        earlier_s = step.from_s


def _refuse_recalls(contract: Contract, path: str) -> None:
    earlier_s = -1
    for row, recall in enumerate(contract.recalls):
        where = f"{path}.recalls[{row}]"
        if not contract.from_s <= recall.from_s < contract.end_s:
            allowed = f"from {contract.from_s} to {contract.end_s - 1}"
            raise _impossible("outside of the term", f"{where}.from_s", recall.from_s, allowed)
        if recall.from_s <= earlier_s:
            raise _impossible("overlaps the row before it", f"{where}.from_s", recall.from_s, f"later than {earlier_s}")
        earlier_s = recall.from_s
        without = contract.model_copy(update={"recalls": contract.recalls[:row]})
        there = next(span.delivered for span in spans(without) if span.from_s <= recall.from_s < span.until_s)
        if recall.nodes > there:
            message = "more than the contract has then"
            raise _impossible(message, f"{where}.nodes", recall.nodes, f"at most {there}")


def _refuse_end(contract: Contract, path: str) -> None:
    if contract.cancelled_s is not None and contract.renewal is None:
        raise _impossible("ends anyhow", f"{path}.cancelled_s", contract.cancelled_s, "a contract with renewal")
    if contract.cancelled_s is not None and contract.cancelled_s < contract.from_s:
        allowed = f"{contract.from_s} or later"
        raise _impossible("before the contract begins", f"{path}.cancelled_s", contract.cancelled_s, allowed)


def _refuse_floor(contract: Contract, path: str) -> None:
    floor = contract.take_or_pay
    if floor is None:
        return
    where = f"{path}.take_or_pay"
    times = {"from_s": contract.from_s, "until_s": contract.until_s}
    times |= {"renewal.length_s": contract.renewal.length_s} if contract.renewal else {}
    for key, time_s in times.items():
        if time_s % _HOUR_S:
            allowed = f"a multiple of {_HOUR_S}"
            raise _impossible("a floor is for whole hours", f"{path}.{key}", time_s, allowed)
    if (floor.amount is None) == (floor.gpu_hours is None):
        found = "neither" if floor.amount is None else "both"
        raise _impossible("a floor is in money or in GPU-hours", where, found, "amount, or gpu_hours with its price")
    if (floor.gpu_hours is None) != (floor.price_per_gpu_hour is None):
        price = floor.price_per_gpu_hour
        message = "a floor in GPU-hours needs a price" if price is None else "a floor in money needs no price"
        allowed = "decimal text such as '2.35'" if price is None else "no such key"
        code = "missing_key" if price is None else "bad_value"
        raise TenantError(message, code=code, path=f"{where}.price_per_gpu_hour", found=price, allowed=allowed)
    if floor.upfront_bp and (floor.per != "hour" or floor.amount is None):
        allowed = "a floor in money per hour"
        raise _impossible("only such a floor can be paid upfront", f"{where}.upfront_bp", floor.upfront_bp, allowed)


def _refuse_two_floors(contracts: Sequence[Contract]) -> None:
    """What is charged draws down one floor, or it would be taken for two."""
    with_floor = [(row, contract) for row, contract in enumerate(contracts) if contract.take_or_pay]
    for (first, earlier), (second, later) in combinations(with_floor, 2):
        assert earlier.take_or_pay and later.take_or_pay
        own, other = set(earlier.take_or_pay.products), set(later.take_or_pay.products)
        shared = not own or not other or own & other
        apart = earlier.end_s <= later.from_s or later.end_s <= earlier.from_s
        if earlier.tenant == later.tenant and shared and not apart:
            message = f"what is charged would draw down contract[{first}] as well"
            allowed = "other products, or another time"
            raise _impossible(
                message, f"contract[{second}].take_or_pay.products", list(later.take_or_pay.products), allowed
            )


def _impossible(message: str, path: str, found: object, allowed: str) -> TenantError:
    shown = ", ".join(map(str, found)) or "all" if isinstance(found, list) else found
    return TenantError(message, path=path, found=shown, allowed=allowed)
