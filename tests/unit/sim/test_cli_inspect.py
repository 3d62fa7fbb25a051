"""`spillway inspect` on evidence of our own making: forms, filters, exit codes, and what it says without a checkout."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from billing.store.secrets_file import make_secrets
from sim.cli import app
from sim.inspector import attacks
from tenants.isolation.catalogue import CATALOGUE
from tenants.isolation.evidence import Backend, Evidence, Result, closing

NOON = "2026-02-01T12:00:00Z"


def line(property: str, backend: str = "model", result: str = "PASS", mutant: str = "", reason: str = "") -> str:
    killed = result == "PASS" if mutant else None
    plain = {
        "test": "t",
        "seed": 5,
        "examples": 3,
        "duration_ms": 7,
        "commit": "c0ffee",
        "note": "B's use differed; 812 bytes",
        "ran_on": "spillway 9, Python 8, SQLite 7",
    }
    record = Evidence(
        property=property,
        backend=Backend(backend),
        result=Result(result),
        mutant=mutant,
        killed=killed,
        reason=reason,
        **plain,  # type: ignore[arg-type]
    )
    return record.line()


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    file = tmp_path / "evidence.jsonl"
    lines = [
        line("B1"),
        line("B1", mutant="tiers are shared", reason="A's bill moved"),
        line("M1"),
        line("M1", mutant="x"),
    ]
    lines += [line("D1", "sqlite"), line("D1", "sqlite", mutant="no <wall>", reason="B's rows: <b>")]
    lines += [line("D1", "postgresql", "UNTESTED", reason="NO POSTGRESQL")]
    file.write_text("\n".join([*lines, closing(len(lines))]))
    return file


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["inspect", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_table_names_what_holds_and_what_was_not_shown(evidence: Path) -> None:
    text = run("--evidence", evidence)
    assert re.search(r"B1 +Change another tenant's use.* billing +- +- +PASS +5 +3 +14 +1/1", text)
    assert re.search(r"M1 +.* MODELLED", text)
    assert re.search(r"D1 +.* PASS +UNTESTED", text)
    assert re.search(r"D1 +No tenant, no rows +postgresql +UNTESTED +NO POSTGRESQL", text)
    assert text.endswith(
        "81 properties: 1 PASS, 1 MODELLED, 79 UNTESTED, 0 FAIL; 3 of 3 planted faults caught; commit c0ffee\n"
    )


def test_filters_and_exit_codes(evidence: Path) -> None:
    assert "Nothing of anybody" not in run("--evidence", evidence, "--property", "b1")
    whole = run("--evidence", evidence, "--property", "B1", "--strict")
    assert whole.startswith("B1 Bills depend on own use") and "B's use differed; 812 bytes" in whole
    run("--evidence", evidence, "--strict", code=1)
    assert '"id": "D1"' in run("--evidence", evidence, "--control", "asvs8.3.1", "--format", "json")
    assert run("--evidence", evidence, "--backend", "sqlite", "--property", "D1", "--strict")
    assert "caught" in run("--evidence", evidence, "--mutants")
    evidence.write_text(
        line("B1") + "\n" + line("B1", result="FAIL", mutant="tiers", reason="not noticed") + "\n" + closing(2)
    )
    assert "SURVIVED" in run("--evidence", evidence, "--mutants", code=1)
    for bad in (["--property", "Z1"], ["--category", "x"], ["--control", "x"], ["--backend", "x"], ["--seed", "1"]):
        run("--evidence", evidence, *bad, code=2)
    run("--evidence", evidence.parent / "absent", code=2)
    for flags, says in (
        (["--replay", "ZZ"], "--replay: unknown property"),
        (["--replay", "D1", "--property", "D2"], "--replay names its one property"),
    ):
        done = CliRunner().invoke(app, ["inspect", *flags])
        assert done.exit_code == 2 and says in " ".join(done.stderr.split())
    evidence.write_text("\n")
    run("--evidence", evidence, code=2)
    contradictory = line("B1", result="FAIL", mutant="tiers").replace('"killed":false', '"killed":true')
    for broken in ("{}", contradictory, line("B1").replace('"killed":null', '"killed":true')):
        evidence.write_text(broken)
        run("--evidence", evidence, code=2)


def test_evidence_that_was_cut_anywhere_is_refused(evidence: Path) -> None:
    whole = evidence.read_text().splitlines(keepends=True)
    for end in range(1, len(whole)):
        for left in (whole[:end], [*whole[: end - 1], *whole[end:]]):
            evidence.write_text("".join(left))
            done = CliRunner().invoke(app, ["inspect", "--evidence", str(evidence)])
            assert done.exit_code == 2 and "cut short" in " ".join(done.output.split()), end
    more = [*whole, "\n", line("P1"), "\n"]
    evidence.write_text("".join(more))
    run("--evidence", evidence, code=2)
    evidence.write_text("".join([*more, closing(len(whole))]))  # two runs, each of which came to its end
    run("--evidence", evidence)


def test_json_holds_every_property_with_its_verdicts(evidence: Path) -> None:
    document = json.loads(run("--evidence", evidence, "--format", "json"))
    assert [each["id"] for each in document["properties"]] == list(CATALOGUE)
    first = next(each for each in document["properties"] if each["id"] == "D1")
    assert [(each["backend"], each["status"]) for each in first["verdicts"]] == [
        ("sqlite", "PASS"),
        ("postgresql", "UNTESTED"),
    ]
    assert first["replay"] == "spillway inspect --replay D1 --seed 5"
    assert first["evidence_for"]["ASVS 8.3.1"]


def test_csv_has_a_row_for_each_property_and_database(evidence: Path) -> None:
    ids = [row.split(",")[0] for row in run("--evidence", evidence, "--csv").splitlines()[1:]]
    assert list(dict.fromkeys(ids)) == list(CATALOGUE)
    assert (ids.count("B1"), ids.count("D1")) == (1, 2)


def test_the_page_is_whole_escaped_and_fetches_nothing(evidence: Path) -> None:
    words = ("--evidence", evidence, "--format", "html", "--at", NOON)
    page = run(*words)
    assert page == run(*words)
    assert NOON in page and "SQLite 7" in page and "commit c0ffee" in page
    assert all(f'id="{id_}"' in page for id_ in CATALOGUE)
    assert "no &lt;wall&gt;" in page and "&lt;b&gt;" in page and "no <wall>" not in page
    assert "<script" not in page and "http" not in page and "url(" not in page


def test_without_a_checkout_everything_is_untested_and_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks, "checkout", lambda: None)
    done = CliRunner().invoke(app, ["inspect"])
    assert done.exit_code == 0 and "81 UNTESTED" in done.stdout
    assert "this needs a checkout" in done.stderr
    assert CliRunner().invoke(app, ["inspect", "--strict"]).exit_code == 1


def test_a_pack_shows_every_change(evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pack = tmp_path / "pack.jsonl"
    make_secrets(tmp_path / "spillway.secrets", lambda count: bytes(range(count)))
    make_secrets(tmp_path / "other.secrets", lambda count: bytes(count))
    table = run("--evidence", evidence, "--pack", pack, "--at", NOON)
    run("--evidence", evidence, "--pack", pack, code=2)
    told = run("--verify", pack)
    assert re.search("root_holds +yes", told) and re.search("signature +good", told) and "Only the root" not in told
    assert re.search(f"made +{NOON}", told)
    run("--evidence", evidence, "--pack", "again.jsonl", "--at", NOON)
    assert Path("again.jsonl").read_bytes() == pack.read_bytes()
    head = json.loads(pack.read_text().splitlines()[0])
    assert (head["made"], head["commits"], head["ran_on"]) == (NOON, ["c0ffee"], ["spillway 9, Python 8, SQLite 7"])
    assert run("--evidence", pack) == table
    assert "WRONG" in run("--verify", pack, "--secrets", "other.secrets", code=1)
    whole = pack.read_text()
    lines = whole.splitlines(keepends=True)
    changed = [
        "".join([lines[0], *lines[2:]]),
        "".join([*lines, lines[1]]),
        "".join([lines[0], lines[2], lines[1], *lines[3:]]),
        whole.replace('"examples":3', '"examples":4', 1),
    ]
    for text in changed:
        pack.write_text(text)
        assert "was changed" in run("--verify", pack, code=1)
        run("--evidence", pack, code=2)
    pack.write_text(whole)
    assert run("--evidence", pack, "--secrets", "spillway.secrets") == table
    run("--evidence", pack, "--secrets", "other.secrets", code=2)
    pack.write_text(re.sub('"signature":"[0-9a-f]+"', '"signature":""', whole))  # taken off, and the lines are sound
    assert "not signed" in run("--verify", pack, "--secrets", "spillway.secrets", code=1)
    run("--evidence", pack, "--secrets", "spillway.secrets", code=2)
    pack.write_text(whole.replace("c0ffee", "c0ffef", 1))  # the commit that the head names
    assert "WRONG" in run("--verify", pack, code=1)
    (tmp_path / "spillway.secrets").unlink()
    assert "not checked" in run("--verify", pack) and "Only the root holds" in run("--verify", pack)
    run("--evidence", evidence, "--pack", "unsigned.jsonl", "--quiet")
    assert re.search("signature +not signed", told := run("--verify", "unsigned.jsonl")) and "Only the root" in told
    assert '"sound"' not in run("--verify", "unsigned.jsonl", "--format", "json")
    run("--verify", evidence, code=2)


def test_the_harness_writes_what_the_inspector_reads() -> None:
    """The attacks of this checkout are found; they are not run here, since they run as tests of their own."""
    root = attacks.checkout()
    assert root is not None and (root / attacks.ATTACKS / "conftest.py").is_file()
    assert attacks.commit_of(Path("/")) == ""
