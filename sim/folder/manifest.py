"""The manifest of a run folder: what was run, what came to light, and a hash of every other file.

Nothing in it tells when, where or by whom the run was made: no wall clock, no host, no path.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from billing.books import Books
from billing.months import utc_text
from sim.errors import SimError
from sim.result import RunResult, World

FORMAT = 1  # grows when a reader could no longer make sense of a folder
MANIFEST = "manifest.json"
_KEYS = {"scenario", "seed", "policy", "lend", "epoch_s", "horizon_s", "metered", "pools", "findings", "files"}
_KEYS |= {"tenants", "products", "regions", "skus"}


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document with one key a line. NaN and infinity are refused, since JSON has no word for them."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def config_sha256(result: RunResult, scenario_toml: str) -> str:
    """Return the hash of all that decides what a run does: two runs with one hash are the same run."""
    return config_hash(scenario_toml, result.seed, result.policy, result.lend, result.horizon_s)


def config_hash(scenario_toml: str, seed: int, policy: str, lend: str, horizon_s: int) -> str:
    """Return the same before there is a result."""
    config = (scenario_toml, seed, policy, lend, horizon_s)
    return hashlib.sha256(json.dumps(config).encode()).hexdigest()


def world_sha256(world: World) -> str:
    """Return the hash of all that befalls a cluster: its nodes, jobs, faults and contracts, whatever the policy.

    Runs with one hash can be compared job by job.
    """
    digest = hashlib.sha256()
    for columns in (world.jobs, world.faults):
        for field in fields(columns):
            value = getattr(columns, field.name)
            if isinstance(value, np.ndarray):
                digest.update(value.astype("<i8").tobytes())
    rest = (world.jobs.job_id, world.pools, world.products, world.reservations, world.tenant_domain, world.horizon_s)
    digest.update(json.dumps(rest, default=int).encode())
    if world.mishaps:
        digest.update(json.dumps(world.mishaps).encode())
    if world.isolation is not None:
        digest.update(json.dumps(world.isolation).encode())
    return digest.hexdigest()


def differences(manifest: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say in what the worlds of two runs differ; nothing where whatever befell one cluster befell the other."""
    if manifest.get("world_sha256") == other.get("world_sha256") is not None:
        return []
    told = [
        f"{key} {other[key]} instead of {manifest[key]}"
        for key in ("scenario", "seed", "horizon_s", "epoch")
        if manifest[key] != other[key]
    ]
    if manifest["pools"] != other["pools"]:
        told.append("other pools")
    return told or ["other jobs, faults or contracts"]


def write_manifest(
    folder: Path, result: RunResult, books: Books | None, scenario_name: str, scenario_toml: str
) -> None:
    """Write the manifest of a folder that holds everything else. `books` is None for a run that was not metered."""
    names = result.world.names
    document = {
        "format": FORMAT,
        "made_with": {name: version(name) for name in ("spillway", "numpy", "duckdb")},
        "scenario": scenario_name,
        "config_sha256": config_sha256(result, scenario_toml),
        "world_sha256": world_sha256(result.world),
        "seed": result.seed,
        "policy": result.policy,
        "lend": result.lend,
        "epoch": utc_text(names.epoch_s),
        "epoch_s": names.epoch_s,
        "horizon_s": result.horizon_s,
        "metered": books is not None,
        "tenants": names.tenants,
        "products": names.products,
        "regions": names.regions,
        "skus": names.skus,
        "pools": _pools(result),
        "findings": _findings(result, books),
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(folder.iterdir())
        },
    }
    write_json(folder / MANIFEST, document)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder in which every file stands at its full length.

    Raises:
        SimError: no run folder there, one of another format, or one in which a file is missing or cut short.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        message = f"not a run folder: it has no {MANIFEST}" if folder.exists() else "no such run folder"
        raise SimError(message, code="run.not_a_run", file=str(folder)) from None
    except OSError as error:
        raise damaged(folder / MANIFEST, error.strerror) from None
    except ValueError:
        raise damaged(folder / MANIFEST, "no JSON") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise damaged(folder / MANIFEST, "no manifest of a run")
    if manifest["format"] != FORMAT:
        message, found = "run folder of another format", manifest["format"]
        raise SimError(message, code="run.format", file=str(folder), path="format", found=found, allowed=str(FORMAT))
    if missing := sorted(_KEYS - manifest.keys()):
        raise damaged(folder / MANIFEST, f"no key {missing[0]}")
    for name, file in manifest["files"].items():
        if not (folder / name).is_file():
            raise damaged(folder / name, "no file")
        if (size := (folder / name).stat().st_size) != file["bytes"]:
            raise damaged(folder / name, f"{size} bytes", f"{file['bytes']} bytes")
    return manifest


def require_unchanged(path: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a file of a run folder that is not the one that the run has written.

    Raises:
        SimError: the file cannot be read, or its hash is not the manifest's.
    """
    expected = manifest["files"][path.name]["sha256"]
    try:
        found = _sha256(path)
    except OSError as error:
        raise damaged(path, error.strerror) from None
    if found != expected:
        raise damaged(path, f"SHA-256 {found[:12]}...", f"{expected[:12]}...")


def damaged(path: Path, found: str | None, allowed: str = "what the run has written") -> SimError:
    """Make the error for a file of a run folder that is not as it was written."""
    return SimError("damaged run folder", code="run.damaged", file=str(path), found=found, allowed=allowed)


def _pools(result: RunResult) -> list[dict[str, Any]]:
    world = result.world
    levels = world.pool_levels or ((),) * len(world.pools)
    rows = zip(world.pool_region, world.pool_sku, world.pools, levels, strict=True)
    return [
        {
            "region": world.names.regions[region],
            "sku": world.names.skus[sku],
            "nodes": pool.nodes,
            "gpus_per_node": pool.gpus_per_node,
            **({"domains": dict(zip(names, map(len, pool.topology), strict=True))} if names else {}),
        }
        for region, sku, pool, names in rows
    ]


def _findings(result: RunResult, books: Books | None) -> list[dict[str, Any]]:
    """Return what a reader should know: of the input first, then of the books."""
    found = [("input", *finding) for finding in result.world.jobs.findings]
    found += [("books", *finding[:3]) for finding in (books.findings if books else ())]
    return [dict(zip(("about", "where", "what", "count"), each, strict=True)) for each in found]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
