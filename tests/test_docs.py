"""The documents say what the code does: commands and flags, words, files and columns, links, make targets, examples."""

import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer

from billing.usage import CAUSES, STATES
from house_rules import LAYERS, ROOT, module_of, sources
from scheduler.events import Cause, EventKind, Reason, Status
from scheduler.jobs.life import MOVES, NODE_MOVES
from scheduler.policies import POLICIES, Policy
from scheduler.policy.lend import LENDS
from tenants.band import Band

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def read(name: str) -> str:
    return (DOCS / name).read_text()


def sections(text: str, level: str) -> dict[str, str]:
    """Text under each heading of the level, by heading without its markup."""
    parts = re.split(rf"^{level} (.+)$", text, flags=re.MULTILINE)
    return {head.replace("`", "").strip(): body for head, body in zip(parts[1::2], parts[2::2], strict=True)}


def cells(text: str) -> list[list[str]]:
    """Rows of the Markdown tables in a text, without heads and rules."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    rules = [number for number, row in enumerate(rows) if all(set(cell) <= set("-: ") for cell in row)]
    return [row for number, row in enumerate(rows) if number not in rules and number + 1 not in rules]


def quoted(text: str) -> set[str]:
    """Everything that stands `between backticks`."""
    return set(re.findall(r"`([^`]+)`", text))


# -- command line ----------------------------------------------------------------------------------------------------


def commands() -> dict[str, Any]:
    """Leaf commands of the Typer app by their full name."""
    from sim.cli import app

    def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if not inner:
            yield name, command
        for word, child in (inner or {}).items():
            yield from leaves(child, f"{name} {word}".strip())

    return dict(leaves(typer.main.get_command(app), ""))


def flags_of(command: Any) -> set[str]:
    options = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    return {flag for flag in options if flag.startswith("--")} - {"--help"}


def documented_commands() -> dict[str, str]:
    """Section of each command in docs/cli.md, by its name without its arguments."""
    found = sections(sections(read("cli.md"), "##")["Commands"], "###")
    return {" ".join(word for word in head.split()[1:] if word.islower()): body for head, body in found.items()}


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert set(documented_commands()) == set(commands())


def test_every_flag_of_every_command_is_documented_and_exists() -> None:
    shared = {"--csv", "--md"}  # rule 4 of the page
    for name, command in commands().items():
        body = documented_commands()[name]
        written = {flag for row in cells(body) for flag in re.findall(r"--[a-z-]+", row[0])}
        assert written | shared == flags_of(command) | shared, name


def test_global_flags_and_exit_codes_are_documented() -> None:
    from sim.cli import app
    from sim.cli.failure import EXIT_CODES

    rules = sections(sections(read("cli.md"), "##")["Rules for all commands"], "###")
    written = set(re.findall(r"--[a-z-]+", " ".join(row[0] for row in cells(rules["Global flags"]))))
    root = flags_of(typer.main.get_command(app)) - {"--install-completion", "--show-completion"}
    assert written == root | {"--help"}
    codes = {int(code) for row in cells(rules["Exit codes"]) for code in re.findall(r"\d+", row[0])}
    assert codes >= {code for code, _ in EXIT_CODES}


def test_names_of_policies_are_documented() -> None:
    run = documented_commands()["run"]
    rows = {row[0].split()[0].strip("`"): quoted(row[1]) for row in cells(run)}
    assert rows["--policy"] == set(POLICIES)
    assert rows["--lend"] == set(LENDS)


def test_parts_of_policies_are_those_of_the_code() -> None:
    text = sections(read("architecture.md"), "##")["Policies"]
    rows = cells(text)
    # What a policy may do without is told below the table; what it must have stands in it.
    optional = [field.name for field in fields(Policy) if not callable(field.default) and field.name != "name"]
    assert [name for name in optional if f"`{name}`" not in text] == []
    assert [row[0] for row in rows] == [field.name for field in fields(Policy) if callable(field.default)]
    for part, _, built_in in rows:
        module = importlib.import_module(f"scheduler.policy.{part}")
        assert all(callable(getattr(module, name, None)) for name in quoted(built_in)), part


# -- words -----------------------------------------------------------------------------------------------------------

ENUMS: tuple[type[IntEnum], ...] = (Band, Status, Reason, Cause)


@pytest.mark.parametrize("words", ENUMS, ids=lambda words: words.__name__)
def test_every_word_of_the_code_is_in_the_glossary(words: type[IntEnum]) -> None:
    assert {word.name for word in words} <= set(re.findall(r"\b[A-Z_]{3,}\b", read("glossary.md")))


def test_every_word_in_capitals_in_the_glossary_is_in_the_code() -> None:
    first_two = " ".join(cell for row in cells(read("glossary.md")) for cell in row[:2])
    known = {word.name for words in ENUMS for word in words} | {"GPU", "SKU", "SLA"}
    assert set(re.findall(r"\b[A-Z_]{3,}\b", first_two)) <= known


def test_glossary_words_are_unique_and_capacity_states_complete() -> None:
    rows = cells(read("glossary.md"))
    words = [word.strip() for row in rows for word in row[0].split(",") if word.islower()]
    assert len(words) == len(set(words))
    assert all(state in read("glossary.md") for state in STATES)
    assert [cause.upper() for cause in CAUSES] == [cause.name for cause in Cause]


def test_life_cycle_of_a_job_is_drawn_as_it_is() -> None:
    """The diagram holds exactly the moves that `scheduler.jobs.life` allows."""
    text = read("life-cycle.md")
    arrows = re.findall(r"^\s+(\[\*\]|[A-Z]+) --> ([A-Z]+):", text, flags=re.MULTILINE)
    drawn = {(start.replace("[*]", "NEW"), end) for start, end in arrows}
    assert drawn == {(start.name, end.name) for start, ends in MOVES.items() for end in ends}
    assert set(re.findall(r"\b[A-Z]{3,}_[A-Z_]+\b", text)) <= {
        word.name for words in (*ENUMS, EventKind) for word in words
    } | {"NODE_MOVES"}


def test_life_cycle_explains_reasons_causes_and_node_states() -> None:
    text = read("life-cycle.md")
    parts = sections(text, "###")
    assert [row[0] for row in cells(parts["Why a job waits"])] == [reason.name for reason in Reason]
    ended = parts["Why a segment ended"].partition("\n## ")[0]
    assert [row[0] for row in cells(ended)] == [cause.name for cause in Cause]
    nodes = sections(text, "##")["A node"]
    assert {row[0].split(",")[0] for row in cells(nodes)} == set(NODE_MOVES)


# -- run folder --------------------------------------------------------------------------------------------------------


def test_every_file_and_column_of_a_run_folder_is_documented(tmp_path: Path) -> None:
    """In both directions, and columns in the order of the file."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "sim", "run", "small", "--days", "1", "--out", str(folder), "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    page = read("run-folder.md")
    listed = [row[0].strip("`") for row in cells(page.partition("\n## ")[0])]
    assert sorted(listed) == sorted(path.name for path in folder.iterdir())
    with duckdb.connect() as connection:
        for name, text in sections(page, "##").items():
            columns = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(folder / name)]).fetchall()
            written = [word for row in cells(text) for word in re.findall(r"`(\w+)`", row[0])]
            assert written == [column[0] for column in columns], name


# -- files, links, targets, examples ---------------------------------------------------------------------------------


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_make_lists_every_target() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\w+)", listed, flags=re.MULTILINE)) == targets()


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".ci" / "run"], ids=lambda page: page.name)
def test_make_targets_and_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    if page.suffix == ".md":
        pieces = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        pieces += re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
    else:
        pieces = [line for line in text.splitlines() if not line.startswith("#")]
    code = "\n".join(pieces)
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets()
    named = set(re.findall(r"(?:\bspillway|-m sim)[ \t]([a-z]+)", code))
    assert named <= {name.split()[0] for name in commands()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_that_is_named_exists(page: Path) -> None:
    """`scheduler.nodes.capacity` is a module, `scheduler/jobs/life.py` a file, `billing.books.close` a thing in a
    module.
    """
    missing = []
    for name in quoted(page.read_text()):
        path = re.fullmatch(r"(?:tests|docs|benchmarks|" + "|".join(LAYERS) + r")/[\w/.-]+", name)
        if path and not (ROOT / name).exists():
            missing.append(name)
        dotted = re.fullmatch(r"(" + "|".join(LAYERS) + r")(\.\w+)+", name)
        if dotted and not resolves(name):
            missing.append(name)
    assert missing == []


def resolves(name: str) -> bool:
    """Whether a dotted name is a module or an attribute of one."""
    head, _, last = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return bool(head) and hasattr(importlib.import_module(head), last) if "." in head else False
    return True


def test_decisions_are_listed_and_have_their_four_parts() -> None:
    index = read("decisions/README.md")
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        text = page.read_text()
        title = text.splitlines()[0].removeprefix("# ")
        assert f"[{title[:4]}]({page.name}) | {title[5:]} |" in index
        parts = ("**Context.**", "**Decision.**", "**Consequences.**", "**Alternatives.**")
        assert [text.count(part) for part in parts] == [1] * 4, page.name


def test_readme_examples_run() -> None:
    """The Python blocks of the README run as they stand, one after the other, in an interpreter of their own."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert blocks
    subprocess.run([sys.executable, "-W", "error", "-c", "\n".join(blocks)], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("path", [path for path in sources() if ">>> " in path.read_text()], ids=module_of)
def test_examples_in_docstrings_run(path: Path) -> None:
    assert doctest.testmod(importlib.import_module(module_of(path))).failed == 0


def test_the_log_and_the_terms_of_the_billing_page_make_an_invoice(tmp_path: Path) -> None:
    """What a newcomer copies from docs/billing.md works as it stands, the two examples together."""
    from typer.testing import CliRunner

    from sim.cli import app

    page = (ROOT / "docs/billing.md").read_text()
    (log,) = re.findall(r"```jsonl\n(.*?)```", page, flags=re.DOTALL)
    (terms,) = [text for text in re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL) if "[[tenant]]" in text]
    (tmp_path / "log.jsonl").write_text(log)
    (tmp_path / "terms.toml").write_text(terms)
    place = ("--db", str(tmp_path / "books.db"))
    for words in (
        ("db", "init"),
        ("db", "import", str(tmp_path / "log.jsonl"), "--format", "cloudevents"),
        ("bill", "issue", "--month", "2026-01", "--terms", str(tmp_path / "terms.toml")),
    ):
        done = CliRunner().invoke(app, [*words, *place])
        assert (done.exit_code, done.stderr) == (0, ""), words
    assert "112.10  21.30  133.40  EUR" in done.stdout  # 40 GPU-hours at 2.95, less 5 %, and 19 % of tax


def test_the_example_of_use_is_drafted_without_a_log() -> None:
    from typer.testing import CliRunner

    from sim.cli import app

    words = ("preview", str(DOCS / "example_use.csv"), "--terms", str(DOCS / "example_terms.toml"))
    done = CliRunner().invoke(app, ["bill", *words])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1,232.64" in done.stdout  # 16 GPU-hours at 2.95 and 784 at 1.25, and 20 % of tax


def test_the_sweep_of_its_page_runs_and_every_metric_is_named(tmp_path: Path) -> None:
    from unittest.mock import patch

    from typer.testing import CliRunner

    from parallel_tasks import OneThread
    from sim.cli import app
    from sim.sweep.metrics import METRICS

    page = read("sweeps.md")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(example.splitlines()) <= 10
    (tmp_path / "lend.toml").write_text(example)
    with patch("sim.sweep.executors.LocalCrew", OneThread):
        done = CliRunner().invoke(app, ["sweep", str(tmp_path / "lend.toml"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0 and "lend: 16 of 16 runs, 4 seeds" in done.stdout
    named = sections(page, "##")["What can be measured"]
    words = {word for name in quoted(named) for word in (name, name.rpartition(".")[2])}
    assert [name for name in METRICS if not {name, name.rpartition(".")[2]} & words and "by_status" not in name] == []
