"""Tapes: equal replays, the line of the first difference, and files that are not tapes."""

import gzip
import json
from pathlib import Path

import pytest

from sim.engine.run import run
from sim.errors import SimError
from sim.folder.tape import replay
from sim.scenario.build import build
from sim.scenario.file import load


@pytest.fixture(scope="module")
def tape() -> list[str]:
    """The tape of the small scenario, one day long."""
    lines = run(build(load("small"), days=1)).tape
    assert lines is not None
    return lines


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_tape_replays_equal_gzipped_or_not(tape: list[str], tmp_path: Path) -> None:
    plain = written(tmp_path / "tape.jsonl", tape)
    packed = tmp_path / "tape.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for path in (plain, packed):
        found = replay(path)
        assert found.equal and found.steps == len(tape) - 1


def test_a_changed_decision_is_found_at_its_line_with_both_versions(tape: list[str], tmp_path: Path) -> None:
    number = next(place for place, line in enumerate(tape) if place and '"grant"' in line)
    now_s, events, decisions = json.loads(tape[number])
    decisions[0][3] = "15"
    changed = [*tape[:number], json.dumps([now_s, events, decisions]), *tape[number + 1 :]]
    difference = replay(written(tmp_path / "tape.jsonl", changed)).first_difference
    assert difference is not None
    assert (difference.line, difference.now_s) == (number + 1, now_s)
    assert difference.recorded == decisions != difference.replayed


def test_an_event_that_is_left_out_shows_as_another_decision(tape: list[str], tmp_path: Path) -> None:
    number = next(place for place, line in enumerate(tape) if place and '"grant"' in line)
    found = replay(written(tmp_path / "tape.jsonl", [*tape[:number], *tape[number + 1 :]]))
    assert not found.equal


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda lines: [], "line 1: empty tape"),
        (lambda lines: ["{}", *lines[1:]], "line 1: not a tape's first line"),
        (lambda lines: [*lines[:2], "[1, [[99, 0, 0]], []]"], "line 3: not a step"),
        (lambda lines: [*lines[:2], "[1, [["], "line 3: not a step"),
        (lambda lines: [lines[0], "[7, [], []]", "[7, [], []]"], "line 3: events that cannot follow"),
        (lambda lines: [lines[0], "[7, [[9, 1000000, 0]], []]"], "line 2: events that cannot follow"),
    ],
)
def test_what_is_not_a_tape_is_one_line_that_names_the_line(tape, tmp_path, damage, text) -> None:
    with pytest.raises(SimError, match=text) as caught:
        replay(written(tmp_path / "tape.jsonl", damage(tape)))
    assert "\n" not in str(caught.value)


def test_a_truncated_gzip_or_a_binary_file_is_one_line(tape: list[str], tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(tape).encode())
    for name, content in (("cut.gz", packed[: len(packed) // 2]), ("binary", bytes(range(256)) * 4)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SimError, match="tape"):
            replay(tmp_path / name)
    with pytest.raises(SimError, match="cannot be read"):
        replay(tmp_path / "absent")
