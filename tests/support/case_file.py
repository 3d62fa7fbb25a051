"""The published scheduling cases, by id: inputs, expected outcome, tolerance. They lie beside the checkout.

`case("V18b")["inputs"]`. A test that asks for a case is skipped, with the file's name, where the file is absent;
`SPILLWAY_CASES` may name another folder.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases"
NAME = "scheduling_cases.json"

Case = dict[str, Any]


@cache
def _read(path: Path) -> dict[str, Case]:
    return {case["id"]: case for case in json.loads(path.read_text(encoding="utf-8"))["cases"]}


def cases_path(name: str) -> Path:
    """Where a file of cases lies, or would lie."""
    return Path(os.environ.get("SPILLWAY_CASES") or SHARED) / name


def all_cases() -> dict[str, Case]:
    """Every case by its id, in the order of the file; skips the test where there is no such file."""
    path = cases_path(NAME)
    if not path.is_file():
        pytest.skip(f"missing {path.parent.name}/{NAME} beside the checkout (SPILLWAY_CASES may name another folder)")
    return _read(path)


def case(case_id: str) -> Case:
    """One case: `inputs`, `expected`, `tolerance`, `source`. Unknown ids are a fault of the test."""
    return all_cases()[case_id]
