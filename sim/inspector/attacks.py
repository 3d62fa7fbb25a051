"""Running the attacks of a checkout. The product holds no attacks: they are its tests, and pytest runs them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sim.errors import SimError
from tenants.isolation.evidence import Backend, Evidence, Result, read_closed

ATTACKS = Path("tests") / "isolation"
NEEDED = "a checkout with tests/isolation and pytest (make test sets both up), or --evidence FILE"
_FEW = 3  # attacks on so many properties are over before more processes have begun
_ENDED_WELL = (0, 1, 5)  # all held off, some not, none there for what was chosen


def checkout() -> Path | None:
    """The folder whose tests can be run, None where the program is installed without them."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / ATTACKS / "conftest.py").is_file() and find_spec("pytest") else None


def run_attacks(
    root: Path, ids: Sequence[str], backend: Backend | None, seed: int | None, *, quiet: bool, verbose: bool
) -> list[Evidence]:
    """Run the attacks on some properties (none: all) and return what they wrote down. Their progress goes to stderr.

    Cost: all of them take a minute or two.

    Raises:
        SimError: pytest could not run them.
    """
    with tempfile.TemporaryDirectory(prefix="spillway-inspect-") as folder:
        file = Path(folder) / "evidence.jsonl"
        file.touch()
        chosen = [flag for each in ids for flag in ("--property", each)]
        chosen += ["-m", "isolation and not slow"]
        chosen += ["--backend", backend] if backend else []
        chosen += ["--seed", str(seed)] if seed is not None else []
        alone = verbose or 0 < len(ids) <= _FEW or not find_spec("xdist")
        shown = ["-v", "--tb=short", "-r", "N"] if verbose else ["-q", "--tb=no", "-r", "N"]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *shown, str(ATTACKS), *chosen]
        command += [] if alone else ["-n", "auto"]
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "SPILLWAY_EVIDENCE": str(file), "SPILLWAY_COMMIT": commit_of(root)},
            stdout=subprocess.DEVNULL if quiet else sys.stderr,
            stderr=subprocess.DEVNULL if quiet else sys.stderr,
            check=False,
        )
        if done.returncode not in _ENDED_WELL:
            raise SimError(
                "the attacks could not be run",
                code="attacks_broken",
                file=str(ATTACKS),
                found=f"pytest {done.returncode}",
            )
        found = read_closed(file.read_text(encoding="utf-8").splitlines(), str(file))
    if done.returncode == 1 and all(each.result is not Result.FAIL for each in found):
        # Lost with its process, or broken before it began: what the others wrote down would look like the whole.
        raise SimError("an attack failed and left no evidence", code="attacks_broken", file=str(ATTACKS))
    return found


def commit_of(root: Path) -> str:
    """The commit of a checkout, with `+changes` when files differ from it; '' where git does not know."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    head = git("rev-parse", "--short=12", "HEAD")
    return f"{head}+changes" if head and git("status", "--porcelain") else head or ""
