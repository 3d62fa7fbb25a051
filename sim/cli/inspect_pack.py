"""Evidence packs of `spillway inspect`: written for an auditor, and checked by one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session
from sim.cli.output import Table, answer, note

if TYPE_CHECKING:
    from tenants.isolation.evidence import Evidence

DEFAULT_SECRETS = Path("spillway.secrets")
_PURPOSE = b"evidence packs"


def write_pack(session: Session, file: Path, evidence: "Sequence[Evidence]", secrets: Path | None) -> None:
    """Write a new pack, signed where there are secrets. Raises FileExistsError: packs are never overwritten."""
    from tenants.isolation.pack import pack_text

    key = _key(secrets)
    with file.open("x", encoding="ascii") as out:
        out.write(pack_text(evidence, key))
    note(session, f"wrote {file}: {len(evidence)} lines" + ("" if key else ", not signed: no file of secrets"))


def read_evidence_or_pack(file: Path, secrets: Path | None = None) -> "list[Evidence]":
    """The evidence in a file of lines, or in a pack.

    Raises:
        TenantError: a pack that was changed, or that was not signed with the secrets that are named.
    """
    from tenants.errors import TenantError
    from tenants.isolation.evidence import read_evidence
    from tenants.isolation.pack import is_pack, read_pack, signed_by

    text = file.read_text(encoding="utf-8")
    if not is_pack(text):
        return read_evidence(text.splitlines(), str(file))
    pack = read_pack(text, str(file))
    if not pack.sound:
        raise TenantError("the pack was changed: its root is not that of its lines", code="bad_pack", file=str(file))
    if secrets is not None and (key := _key(secrets)) is not None and not signed_by(pack, key):
        raise TenantError("the pack was not signed with these secrets", code="bad_pack", file=str(file))
    return pack.evidence


def verify_pack(session: Session, file: Path, secrets: Path | None, fmt: str) -> None:
    """Show whether a pack is what it was; exit code 1 if its root or its signature is wrong."""
    from tenants.isolation.pack import read_pack, signed_by

    pack, key = read_pack(file.read_text(encoding="utf-8"), str(file)), _key(secrets)
    if not pack.signature:  # whoever names secrets asks for a signature: to take it off must not help
        signature = "none" if secrets is None else "WRONG"
    elif key is None:
        signature = "not checked: no file of secrets"
    else:
        signature = "good" if signed_by(pack, key) else "WRONG"
    found = {"lines": len(pack.evidence), "root": pack.root, "sound": pack.sound, "signature": signature}
    words = {**found, "lines": str(len(pack.evidence)), "sound": "yes" if pack.sound else "NO: it was changed"}
    answer(
        session, lambda: found, lambda: [Table("", ("what", "is"), [(k, str(v)) for k, v in words.items()])], fmt=fmt
    )
    if not pack.sound or signature == "WRONG":
        raise typer.Exit(NEGATIVE)


def _key(secrets: Path | None) -> bytes | None:
    """The key that packs are signed with: not the one of checkpoints itself, but made of it."""
    import hmac
    from hashlib import sha256

    if secrets is None and not DEFAULT_SECRETS.exists():
        return None
    from billing.store.secrets_file import load_secrets

    return hmac.new(load_secrets(secrets or DEFAULT_SECRETS).checkpoint, _PURPOSE, sha256).digest()
