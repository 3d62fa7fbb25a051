"""Reading a TOML file that a person wrote, and saying in one line what is wrong with it."""

import tomllib
from pathlib import Path
from typing import Any

from tenants.errors import TenantError


def read_toml(path: Path | str) -> dict[str, Any]:
    """Return the contents of a TOML file. Raises `TenantError` if it is absent, unreadable, binary or not TOML."""
    try:
        return tomllib.loads(Path(path).read_bytes().decode())
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text: byte {error.object[error.start]:#04x} at offset {error.start}"
    except tomllib.TOMLDecodeError as error:
        reason = f"is not TOML: {error}"
    except ValueError:  # not tomllib's own error: Python's limit on the digits of an integer
        reason = "holds a number of too many digits"
    except RecursionError:
        reason = "is nested too deeply"
    raise TenantError(reason, code="bad_file", file=str(path))
