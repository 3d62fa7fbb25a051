"""All commands at a glance: name, examples, function. Each function lives in a file of its own name.

Nothing here, and nothing at the top of those files, may import numpy, pydantic, simpy, duckdb or jinja2: a command
imports what it needs when it runs, so that `spillway --help` answers at once.
"""

import signal
import sys
from types import FrameType
from typing import NoReturn

from sim.cli import api, audit, bill, bill_issue, db, keys, quota, scenarios, sla, tenants, trace
from sim.cli.allocations import allocations
from sim.cli.bill_explain import explain_line
from sim.cli.bill_export import check, export
from sim.cli.bill_hours import hours
from sim.cli.bill_preview import preview
from sim.cli.bill_quote import quote_price
from sim.cli.bill_simulate import simulate
from sim.cli.compare import compare
from sim.cli.contracts import alerts, contracts, wallet
from sim.cli.delay import delay
from sim.cli.demo import demo
from sim.cli.doctor import doctor
from sim.cli.experiment import experiment
from sim.cli.explain import explain
from sim.cli.failure import TERMINATED
from sim.cli.frame import command, new_app
from sim.cli.inspect import inspect
from sim.cli.isolation import isolation
from sim.cli.policies import policies
from sim.cli.queue import queue
from sim.cli.reliability import reliability
from sim.cli.replay import replay
from sim.cli.report import report
from sim.cli.run import run
from sim.cli.serve import serve
from sim.cli.stream import stream
from sim.cli.study import study
from sim.cli.sweep import sweep

app = new_app()
command(app, "demo", "spillway demo --open", "spillway demo --days 3 --seed 7 --out mine")(demo)
command(app, "run", "spillway run gap", "spillway run my.toml --policy fcfs --lend none --seed 7 --json")(run)
command(
    app,
    "replay",
    "spillway replay KTH-SP2.swf.gz --format swf --nodes 100 --gpus-per-node 1 --out runs/kth",
    "spillway replay runs/demo --format tape",
)(replay)
app.add_typer(scenarios.app)
app.add_typer(trace.app)
command(
    bill.app,
    "export",
    "spillway bill export last --format pdf --tenant acme",
    "spillway bill export last --format focus --out focus",
)(export)
command(bill.app, "check", "spillway bill check exports/demo/focus-1.2.csv", "spillway bill check rows.parquet --json")(
    check
)
command(
    bill.app, "explain", "spillway bill explain last acme-000001/2", "spillway bill explain last acme/2026-03/1 --json"
)(explain_line)
command(
    bill.app,
    "preview",
    "spillway bill preview use.csv --terms terms.toml",
    "spillway bill preview sacct.txt --format sacct --terms terms.toml --product bare.ondemand --region eu-1",
)(preview)
command(
    bill.app,
    "quote",
    "spillway bill quote gap --product bare.spot --sku h100 --units 100",
    "spillway bill quote terms.toml --product api --sku llm --meter tool_calls --event 10 --event 80 --json",
)(quote_price)
command(bill.app, "issue", "spillway bill issue --month 2026-01", "spillway bill issue --dry-run --db books.db")(
    bill_issue.issue
)
command(bill.app, "invoices", "spillway bill invoices", "spillway bill invoices --tenant acme --json")(
    bill_issue.invoices
)
command(bill.app, "pay", "spillway bill pay acme-000001 100.50 --reference wire-7 --at 2026-02-15T00:00:00Z")(
    bill_issue.pay
)
command(
    bill.app,
    "credit-note",
    "spillway bill credit-note acme-000001 --line 2 --part 1/3 --cause goodwill --at 2026-02-15T00:00:00Z",
)(bill_issue.credit_note)
command(bill.app, "void", "spillway bill void acme-000001 --at 2026-02-15T00:00:00Z")(bill_issue.void)
command(bill.app, "simulate", "spillway bill simulate last --prices other.toml")(simulate)
command(bill.app, "hours", "spillway bill hours --tenant acme", "spillway bill hours --known 5000 --json")(hours)
app.add_typer(bill.app)
app.add_typer(sla.app)
app.add_typer(quota.app)
app.add_typer(db.app)
app.add_typer(audit.app)
app.add_typer(keys.app)
app.add_typer(tenants.app)
app.add_typer(api.app)
command(app, "contracts", "spillway contracts last", "spillway contracts last --hours fjord-racks --csv")(contracts)
command(app, "wallet", "spillway wallet last", "spillway wallet runs/wholesale --tenant acme --csv")(wallet)
command(app, "alerts", "spillway alerts last", "spillway alerts runs/wholesale --json")(alerts)
command(app, "report", "spillway report last --open", "spillway report last --trace run.json.gz")(report)
command(app, "explain", "spillway explain last frontier-0", "spillway explain runs/demo --evictions --top 5")(explain)
command(app, "isolation", "spillway isolation last", "spillway isolation last --node us-1/h100/3")(isolation)
command(app, "allocations", "spillway allocations last --tenant acme", "spillway allocations last --tenant acme --csv")(
    allocations
)
command(app, "queue", "spillway queue last --at 86400", "spillway queue runs/demo --json")(queue)
command(app, "delay", "spillway delay runs/demo", "spillway delay last --csv")(delay)
command(
    app,
    "compare",
    "spillway compare runs/none runs/all",
    "spillway compare runs/a runs/b runs/c --csv",
    "spillway compare runs/a1 runs/b1 runs/a2 runs/b2 --pareto 'internal delay, mean;net revenue'",
)(compare)
command(app, "policies", "spillway policies", "spillway policies --json")(policies)
command(
    app,
    "reliability",
    "spillway reliability --nodes 2048 --rate 6.5 --interval 3600 --write 60",
    "spillway reliability --nodes 2048 --failures 419 --days 54 --json",
)(reliability)
command(
    app,
    "sweep",
    "spillway sweep lend.toml --workers 4",
    "spillway sweep lend.toml --resume --executor dask://scheduler:8786",
    "spillway sweep lend.toml --partial --csv",
)(sweep)
command(app, "study", "spillway study --preset small", "spillway study --out docs/lend-study.md")(study)
command(
    app,
    "experiment",
    "spillway experiment list",
    "spillway experiment E0",
    "spillway experiment E0 --preset full --workers 4 --out e0",
    "spillway experiment E0 --set repair_h=24 --json",
)(experiment)
command(
    app,
    "inspect",
    "spillway inspect --property P1 --property D1",
    "spillway inspect --format html > isolation.html",
    'spillway inspect --evidence evidence.jsonl --control "SOC2 CC6.1"',
)(inspect)
command(app, "serve", "spillway serve", "spillway serve --db postgresql://spillway@db/spillway --port 8340")(serve)
command(
    app,
    "stream",
    "spillway stream small --to http://127.0.0.1:8340 --key-file key --fast",
    "spillway stream my.toml --to http://127.0.0.1:8340 --key-file key --pace 600 --json",
)(stream)
command(app, "doctor", "spillway doctor", "spillway doctor --json")(doctor)


def main() -> NoReturn:
    """Entry point of the command `spillway` and of `python -m sim`."""
    signal.signal(signal.SIGTERM, _terminated)
    app()
    raise AssertionError("the app always exits")


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception, so that half-written folders are cleaned up on the way out."""
    sys.exit(TERMINATED)
