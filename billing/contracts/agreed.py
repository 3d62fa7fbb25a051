"""What contracts, wallets and alerts come to over a run or a month, as one value that books and bills carry."""

from collections.abc import Sequence
from typing import NamedTuple

from billing.contracts.alerts import Alert
from billing.contracts.line import ContractLine
from billing.contracts.wallet import WalletEntry


class Agreed(NamedTuple):
    """Contract lines, movements of wallets, and alerts that fired, each in its own order."""

    lines: Sequence[ContractLine] = ()
    wallet: Sequence[WalletEntry] = ()
    alerts: Sequence[Alert] = ()


NOTHING_AGREED = Agreed()
