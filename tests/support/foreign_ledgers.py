"""beancount and hledger, as they are on this machine: programs of others that add the exported books up again.

`bean-check` comes with the extra `test`; `hledger` is a package of the system. Where one is absent its tests are
skipped, and say so.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = {
    "beancount": (["bean-check", "--no-cache"], "NO BEAN-CHECK: install the extra `test` to have it check the books"),
    "hledger": (
        ["hledger", "check", "--strict", "-f"],
        "NO HLEDGER: install it (Debian: apt-get install hledger)",
    ),
}


def accepts(form: str, journal: str, folder: Path) -> tuple[bool, str]:
    """Whether the program of that form takes the journal, and what it said. Skips the test where it is not there."""
    words, missing = CHECKS[form]
    program = shutil.which(words[0], path=str(Path(sys.executable).parent)) or shutil.which(words[0])
    if program is None:
        pytest.skip(missing)
    path = folder / f"books.{form}"
    path.write_text(journal, encoding="utf-8")
    done = subprocess.run([program, *words[1:], path], capture_output=True, text=True, timeout=120)
    return done.returncode == 0, done.stdout + done.stderr
