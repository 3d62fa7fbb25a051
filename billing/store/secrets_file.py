"""The file of secrets: JSON, beside the database and never in it, readable by its owner alone.

Whoever takes the database away has digests without the pepper they were made with, and can sign nothing.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from billing.errors import StoreError
from billing.store.engine import is_url
from tenants.access.secrets import Secrets

_BYTES = 32
_KEYS = ("tenant_token", "cursor", "checkpoint", "pseudonym")
_ALLOWED = "a file made by `spillway keys create`"


def secrets_path(place: str, named: str | None = None) -> Path:
    """Return where the secrets of a store are: as named, `<db>.secrets` of a file, or spillway.secrets."""
    if named is not None:
        return Path(named)
    return Path("spillway.secrets") if is_url(place) else Path(f"{place}.secrets")


def load_secrets(path: Path) -> Secrets:
    """Return the secrets of a file. Raises StoreError if it is absent, damaged, or others may read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            text = file.read()
    except FileNotFoundError:
        raise StoreError("no file of secrets", code="no_secrets", file=str(path), allowed=_ALLOWED) from None
    if mode & 0o077:
        found = f"mode {mode:04o}"
        raise StoreError("others may use it", code="bad_secrets", file=str(path), found=found, allowed="chmod 600")
    try:
        return _read(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Not `from error`, and nothing of what was found: it may be a secret.
        raise StoreError("not a file of secrets", code="bad_secrets", file=str(path), allowed=_ALLOWED) from None


def make_secrets(path: Path, entropy: Callable[[int], bytes]) -> Secrets:
    """Make a file of new secrets. Raises StoreError where there is one: it is never overwritten."""
    secrets = Secrets(1, {1: entropy(_BYTES)}, *(entropy(_BYTES) for _ in _KEYS))
    try:
        _write(path, secrets, os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        raise StoreError("there is a file of secrets", code="bad_secrets", file=str(path)) from None
    return secrets


def turn_pepper(path: Path, entropy: Callable[[int], bytes]) -> Secrets:
    """Add a new pepper, which every key is hashed with at its next use; the old ones stay. Raises StoreError."""
    old = load_secrets(path)
    version = max(old.peppers) + 1
    new = old._replace(pepper=version, peppers={**old.peppers, version: entropy(_BYTES)})
    beside = path.with_name(f"{path.name}.new")
    _write(beside, new, os.O_CREAT | os.O_TRUNC)
    beside.replace(path)
    return new


def _write(path: Path, secrets: Secrets, flags: int) -> None:
    fields = {name: getattr(secrets, name).hex() for name in _KEYS}
    peppers = {str(version): pepper.hex() for version, pepper in secrets.peppers.items()}
    text = json.dumps({"pepper": secrets.pepper, "peppers": peppers, **fields}, indent=2)
    with os.fdopen(os.open(path, os.O_WRONLY | flags, 0o600), "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())


def _read(fields: dict[str, object]) -> Secrets:
    peppers = fields["peppers"]
    if not isinstance(peppers, dict) or set(fields) != {"pepper", "peppers", *_KEYS}:
        raise ValueError
    by_version = {int(version): _bytes(pepper) for version, pepper in peppers.items()}
    newest = fields["pepper"]
    if not isinstance(newest, int) or newest not in by_version:
        raise ValueError
    return Secrets(newest, by_version, *(_bytes(fields[name]) for name in _KEYS))


def _bytes(text: object) -> bytes:
    found = bytes.fromhex(str(text))
    if len(found) != _BYTES:
        raise ValueError
    return found
