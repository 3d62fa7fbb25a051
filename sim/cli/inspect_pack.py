"""Evidence packs of `spillway inspect`: written for an auditor, and checked by one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session
from sim.cli.output import Table, answer, counted, note

if TYPE_CHECKING:
    from tenants.isolation.evidence import Evidence
    from tenants.isolation.pack import Pack

DEFAULT_SECRETS = Path("spillway.secrets")
_PURPOSE = b"evidence packs"
_GOOD, _WRONG, _UNSIGNED = "good", "WRONG", "not signed"
_ROOT_ALONE = (
    "Only the root holds together, and whoever edits a line can make a new one: compare it with the root that you were"
    " told by other means, or name the secrets that the pack was signed with."
)


def write_pack(session: Session, file: Path, evidence: "Sequence[Evidence]", secrets: Path | None, made: str) -> None:
    """Write a new pack, made at a time and signed where there are secrets. Raises FileExistsError: packs are never
    overwritten."""
    from tenants.isolation.pack import pack_text

    key = _key(secrets)
    with file.open("x", encoding="ascii") as out:
        out.write(pack_text(evidence, key, made))
    note(
        session, f"wrote {file}: {counted(len(evidence), 'line')}" + ("" if key else ", not signed: no file of secrets")
    )


def read_evidence_or_pack(file: Path, secrets: Path | None = None) -> "list[Evidence]":
    """The evidence in a file of lines, or in a pack.

    Raises:
        TenantError: a file without evidence, or that was cut short; a pack that was changed, or was not signed with the
                     secrets named.
    """
    from tenants.errors import TenantError
    from tenants.isolation.evidence import read_closed
    from tenants.isolation.pack import is_pack, read_pack, signed_by

    text = file.read_text(encoding="utf-8")
    if not is_pack(text):
        found = read_closed(text.splitlines(), str(file)) if text.strip() else []
        if not found:
            raise TenantError("no evidence in it", file=str(file), allowed="lines of JSON, or a pack")
        return found
    pack = read_pack(text, str(file))
    if not pack.sound:
        raise TenantError("the pack was changed: its root is not that of its lines", code="bad_pack", file=str(file))
    if secrets is not None and (key := _key(secrets)) is not None and not signed_by(pack, key):
        raise TenantError("the pack was not signed with these secrets", code="bad_pack", file=str(file))
    return pack.evidence


def verify_pack(session: Session, file: Path, secrets: Path | None, fmt: str) -> None:
    """Show whether a pack holds together and who signed it; exit code 1 if it was changed, or the signature that is
    asked for is wrong or was never there."""
    from tenants.isolation.pack import read_pack

    pack, key = read_pack(file.read_text(encoding="utf-8"), str(file)), _key(secrets)
    signature = _signature(pack, key)
    count = len(pack.evidence)
    found = {"lines": count, "made": pack.made, "root": pack.root, "root_holds": pack.sound, "signature": signature}
    holds = "yes" if pack.sound else "NO: a line was changed"
    rows = [(name, str(value)) for name, value in {**found, "root_holds": holds}.items()]
    after = "" if signature in (_GOOD, _WRONG) or not pack.sound else _ROOT_ALONE
    answer(session, lambda: found, lambda: [Table("", ("what", "is"), rows)], fmt=fmt, after=after)
    # Whoever names secrets asks for a signature: to take it off must not help.
    if not pack.sound or signature == _WRONG or (signature == _UNSIGNED and secrets is not None):
        raise typer.Exit(NEGATIVE)


def _signature(pack: "Pack", key: bytes | None) -> str:
    from tenants.isolation.pack import signed_by

    if not pack.signature:
        return _UNSIGNED
    if key is None:
        return "not checked: no file of secrets"
    return _GOOD if signed_by(pack, key) else _WRONG


def _key(secrets: Path | None) -> bytes | None:
    """The key that packs are signed with: not the one of checkpoints itself, but made of it."""
    import hmac
    from hashlib import sha256

    if secrets is None and not DEFAULT_SECRETS.exists():
        return None
    from billing.store.secrets_file import load_secrets

    return hmac.new(load_secrets(secrets or DEFAULT_SECRETS).checkpoint, _PURPOSE, sha256).digest()
