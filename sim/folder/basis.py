"""What the invoices of a finished run are made of: its closed books, its terms, and where its facts came from."""

from billing.closing.month import Basis
from sim.folder.books import read_books
from sim.folder.run_folder import RunFolder
from sim.scenario.file import parse
from sim.scenario.terms import terms_of

_FACTS = "allocations"


def run_basis(run: RunFolder) -> Basis:
    """Return the basis of a run's invoices. The facts are the rows of its allocations, the hash is that of their file.

    Raises:
        SimError: a file of the folder is damaged.
    """
    scenario = parse(run.scenario_toml(), str(run.path / "scenario.toml"))
    count = len(run.columns(_FACTS, "gpus")["gpus"])
    log_hash = run.manifest["files"][f"{_FACTS}.parquet"]["sha256"]
    return Basis(read_books(run), terms_of(scenario), ((_FACTS, 1, count),) if count else (), log_hash)
