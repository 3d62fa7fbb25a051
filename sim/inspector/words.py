"""A report as plain data, and in one line."""

from typing import Any

from tenants.isolation.channels import CHANNELS
from tenants.isolation.controls import CONTROLS, FRAMEWORKS
from tenants.isolation.inspect import Report, Row, Verdict

NO_CHANNELS = "no residual channel has been declared"
MODEL_NOTE = "MODELLED: shown in the model of the hardware; no silicon was wiped and no switch was programmed"


def report_json(report: Report) -> dict[str, Any]:
    """The report as one JSON document."""
    caught, planted = report.faults
    return {
        "counts": {str(status): count for status, count in report.counts.items()},
        "planted_faults": {"caught": caught, "planted": planted},
        "runs": report.runs,
        "commits": list(report.commits),
        "ran_on": list(report.ran_on),
        "properties": [_row_json(row) for row in report.rows],
        "residual_channels": [each._asdict() for each in CHANNELS],
        "frameworks": {name: each._asdict() for name, each in FRAMEWORKS.items()},
        "notes": [MODEL_NOTE],
    }


def _row_json(row: Row) -> dict[str, Any]:
    about = row.about
    return {
        "id": about.id,
        "category": row.category,
        "title": about.title,
        "attack": about.attack,
        "expected": about.expected,
        "layers": [str(layer) for layer in about.layers],
        "engine": str(about.engine),
        "modelled": about.modelled,
        "evidence_for": {control: CONTROLS[control] for control in about.controls},
        "status": str(row.status),
        "replay": row.replay,
        "verdicts": [_verdict_json(each) for each in row.verdicts],
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        **verdict._asdict(),
        "backend": str(verdict.backend),
        "status": str(verdict.status),
        "seeds": list(verdict.seeds),
        "notes": list(verdict.notes),
        "faults": [fault._asdict() for fault in verdict.faults],
    }


def summary(report: Report) -> str:
    """The report in one line."""
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    caught, planted = report.faults
    commit = f"; commit {', '.join(report.commits)}" if report.commits else ""
    noun = "property" if len(report.rows) == 1 else "properties"
    return f"{len(report.rows)} {noun}: {counts}; {caught} of {planted} planted faults caught{commit}"
