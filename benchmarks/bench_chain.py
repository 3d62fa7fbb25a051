"""The whole chain on a real trace, as a user runs it: wall time and peak memory of one process.

    python benchmarks/bench_chain.py [--traces DIR]

Philly MIX1 on 160 nodes of 8 GPUs and KTH-SP2 on 100 processors, from reading the trace to the written run folder with
bills and page. Wall times are of this machine and say little about another; they are printed, never asserted. First,
how long `spillway --help` takes, as a multiple of importing typer, which draws it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = {
    "Philly MIX1, 160 x 8": ("philly_chronus/trace_job_Philly_MIX1.csv.gz", "philly-chronus", 160, 8),
    "KTH-SP2, 100 x 1": ("swf_kth_sp2/KTH-SP2-1996-2.1-cln.swf.gz", "swf", 100, 1),
}


def chain(
    trace: Path, trace_format: str, nodes: int, gpus_per_node: int, *flags: str
) -> tuple[float, float, int, dict[str, object]]:
    """(wall seconds, CPU seconds, peak MiB of any child so far, summary) of `spillway replay` in its own process."""
    with tempfile.TemporaryDirectory() as scratch:
        size = ["--nodes", str(nodes), "--gpus-per-node", str(gpus_per_node)]
        command = [sys.executable, "-m", "sim", "replay", str(trace), "--format", trace_format, *size]
        command += ["--out", f"{scratch}/run", "--json", "-q", *flags]
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True)
        wall_s, used = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, used.ru_utime - before, used.ru_maxrss // 1024, json.loads(done.stdout)["summary"]


def best_s(*words: str, tries: int = 15) -> float:
    """Wall seconds of a Python process, the shortest of some."""
    found = []
    for _ in range(tries):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> None:
    """Run every case whose trace is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--traces", type=Path, default=None)
    beside = Path(__file__).resolve().parents[2] / "shared" / "traces"
    traces = parser.parse_args().traces or Path(os.environ.get("SPILLWAY_TRACES") or beside)
    help_s, typer_s = best_s("-m", "sim", "--help"), best_s("-c", "import typer")
    print(f"case=help  wall_s={help_s:.2f}  times_import_typer={help_s / typer_s:.1f}", flush=True)
    for name, (file, trace_format, nodes, gpus_per_node) in CASES.items():
        if not (traces / file).exists():
            print(f"skipped {name}: no {Path(file).name}", file=sys.stderr)
            continue
        wall_s, cpu_s, peak_mb, summary = chain(traces / file, trace_format, nodes, gpus_per_node)
        _, bare_s, _, _ = chain(traces / file, trace_format, nodes, gpus_per_node, "--no-reasons")
        residual = summary["residual_gpu_s"]
        print(
            f"case={name}  wall_s={wall_s:.1f}  peak_mb={peak_mb}  residual_gpu_s={residual}"
            f"  cpu_s={cpu_s:.1f}  cpu_no_reasons_s={bare_s:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
