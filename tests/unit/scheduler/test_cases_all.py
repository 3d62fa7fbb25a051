"""Every published scheduling case is named in a test: nothing of the file is left out in silence."""

import re
from pathlib import Path

from case_file import all_cases, case

TESTS = Path(__file__).resolve().parents[2]


def named(case_id: str, texts: list[str]) -> bool:
    """Whether a text names the id as a whole word: `V2` is not named by `V2-5min` or `V2b`. Case does not matter."""
    word = re.compile(rf"(?<![\w-]){re.escape(case_id)}(?![\w-])", re.IGNORECASE)
    in_name = re.compile(rf"\bdef test_{re.escape(case_id.lower().replace('-', '_'))}(?=_|\()")
    return any(word.search(text) or in_name.search(text) for text in texts)


def test_every_case_is_named_in_a_test() -> None:
    paths = [path for path in sorted(TESTS.rglob("test_*.py")) if path != Path(__file__).resolve()]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert [case_id for case_id in all_cases() if not named(case_id, texts)] == []


def test_an_id_inside_a_longer_one_does_not_count_as_named() -> None:
    assert named("V2", ['case("V2")']) and named("V5-ties", ["def test_v5_ties_all_releases() -> None:"])
    assert not named("V2", ['case("V2-5min")', "V2b", "V21"])


def test_a_case_is_found_by_its_id_with_inputs_and_a_tolerance() -> None:
    assert case("V12")["inputs"]["rows"][0] == {"servers": 1, "load": 0.7}
    assert all({"inputs", "expected", "tolerance", "source"} <= set(one) for one in all_cases().values())
