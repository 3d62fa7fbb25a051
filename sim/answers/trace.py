"""A finished run as a trace that ui.perfetto.dev and chrome://tracing open: a track for each node, with who held it and
why that ended, and the waits of jobs before their first start.

Format: Trace Event Format, JSON object with `traceEvents`. Microseconds since the epoch of the run. A node is a thread
of its pool's process; a wait is a pair of events of the process `waiting`.
"""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sim.errors import SimError
from sim.folder.run_folder import RunFolder

SLICES_MOST = 5_000_000  # beyond it no browser opens the file
_US = 1_000_000
_LEVEL = 6
_COLUMNS = ("job_id", "tenant", "product", "band", "region", "sku", "nodes", "gpus", "start_s", "end_s", "cause")


def write_trace(run: RunFolder, out: Path) -> int:
    """Write the trace of a run, packed by gzip where the name ends in `.gz`, and return the number of its events.

    The same run gives the same bytes. Raises SimError: a damaged run, one with too many slices, or no place for it.
    """
    slices = run.query("SELECT coalesce(sum(len(nodes)), 0)::BIGINT AS count FROM allocations")[0]["count"]
    if slices > SLICES_MOST:
        allowed = f"at most {SLICES_MOST:,}: a shorter run"
        raise SimError("too large for a trace", code="impossible_size", path="--trace", found=slices, allowed=allowed)
    draft = out.with_name(f".{out.name}.{os.getpid()}.draft")
    count = 0
    try:
        with draft.open("wb") as raw:
            packed = gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) if out.suffix == ".gz" else raw
            packed.write(b'{"displayTimeUnit":"ms","traceEvents":[\n')
            for event in _events(run):
                packed.write((",\n" if count else "").encode() + json.dumps(event, separators=(",", ":")).encode())
                count += 1
            packed.write(b"\n]}\n")
            if packed is not raw:
                packed.close()
        draft.replace(out)
    except OSError as error:
        reason = error.strerror or "unknown"
        raise SimError(f"trace cannot be written: {reason}", code="bad_file", file=str(out), allowed="a file") from None
    finally:
        draft.unlink(missing_ok=True)
    return count


def _events(run: RunFolder) -> Iterator[dict[str, Any]]:
    pools = [(pool["region"], pool["sku"]) for pool in run.manifest["pools"]]
    waiting = len(pools) + 1
    for number, (region, sku) in enumerate(pools, start=1):
        yield _name("process_name", number, 0, f"{region} {sku}")
    yield _name("process_name", waiting, 0, "waiting")
    told = run.columns("allocations", *_COLUMNS)
    for row in range(len(told["job_id"])):
        mine = {name: _plain(told[name][row]) for name in _COLUMNS if name != "nodes"}
        process = pools.index((mine["region"], mine["sku"])) + 1
        facts = {name: mine[name] for name in ("tenant", "product", "gpus", "cause")}
        length_us = (mine["end_s"] - mine["start_s"]) * _US
        for node in told["nodes"][row]:
            yield {
                "name": mine["job_id"],
                "cat": mine["band"],
                "ph": "X",
                "pid": process,
                "tid": int(node) + 1,
                "ts": mine["start_s"] * _US,
                "dur": length_us,
                "args": facts,
            }
    started = "SELECT job_id, tenant, product, band, submit_s, start_s FROM jobs WHERE start_s > submit_s"
    for job in run.query(f"{started} ORDER BY submit_s, job_id"):
        same = {"name": job["job_id"], "cat": job["band"], "id": job["job_id"], "pid": waiting, "tid": 0}
        facts = {"tenant": job["tenant"], "product": job["product"]}
        yield {**same, "ph": "b", "ts": job["submit_s"] * _US, "args": facts}
        yield {**same, "ph": "e", "ts": job["start_s"] * _US}


def _name(kind: str, process: int, thread: int, text: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": {"name": text}}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
