"""From an exception to what a person and a script are told: one line, one JSON object, one exit code.

What lives here: the exit codes, and which exceptions are the user's mistake. What does not: who prints (`frame`).
"""

import errno
import sys
from collections.abc import Sequence
from typing import NamedTuple

import typer

from tenants.access.redact import redact

DONE = 0
NEGATIVE = 1  # done, and the finding is negative
BAD_INPUT = 2
INTERNAL = 70
INTERRUPTED = 130
TERMINATED = 143

EXIT_CODES = (
    (DONE, "done"),
    (NEGATIVE, "done, and the finding is negative: a check failed, a replay differs, a residual is not 0"),
    (BAD_INPUT, "bad usage or bad input; one line on stderr says what, where, and what is allowed"),
    (INTERNAL, "a bug of ours: a traceback, and the line that reproduces it"),
    (INTERRUPTED, "interrupted (Ctrl-C); 143 when terminated. Nothing is left half-written"),
)

# The roots of our own error trees, by address: naming them must not import the packages, or --help would be slow.
_ROOTS = (
    ("tenants.errors", "TenantError"),
    ("scheduler.errors", "SchedulerError"),
    ("billing.errors", "BillingError"),
    ("sim.errors", "SimError"),
)

# typer brought its own click in 0.2x and used the public one before: the base class has no stable import path.
UsageError: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

# The world's refusals, as against ours: a path that is absent, forbidden, of the wrong kind, or on a full disk.
_USER_ERRNO = frozenset(
    (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOSPC, errno.EROFS)
)


class Failure(NamedTuple):
    """A failure as data. `line` is what stderr shows; the rest is the JSON `error` object."""

    line: str
    exit_code: int
    code: str
    message: str
    file: str | None = None
    path: str | None = None
    found: object = None
    allowed: object = None

    def as_json(self) -> dict[str, object]:
        """The one document on stdout when a command with --json fails."""
        keys = ("code", "message", "file", "path", "found", "allowed")
        return {"error": {key: _plain(getattr(self, key)) for key in keys}}


def _plain(value: object) -> object:
    """A JSON value for whatever an error carries: scalars as they are, lists as lists, the rest as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Sequence | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_plain(item) for item in items]
    return redact(str(value))


def _one_line(text: str) -> str:
    return redact(" ".join(text.split()))


def is_ours(error: BaseException) -> bool:
    """Whether `error` belongs to one of the four error trees, that is: whether the input is at fault."""
    for module_name, root_name in _ROOTS:
        root = getattr(sys.modules.get(module_name), root_name, None)
        if isinstance(root, type) and isinstance(error, root):
            return True
    return False


def describe(error: BaseException) -> Failure | None:
    """What to tell the user about `error`; None when it is a bug of ours and deserves its traceback."""
    if is_ours(error):
        line = _one_line(str(error))
        fields = {name: getattr(error, name, None) for name in ("file", "path", "found", "allowed")}
        fields = {
            name: redact(str(value)) if name in ("file", "path") and value else value for name, value in fields.items()
        }
        message = _one_line(str(getattr(error, "message", line)))
        return Failure(line, BAD_INPUT, str(getattr(error, "code", "bad_input")), message, **fields)
    if isinstance(error, UsageError):
        return _usage(error)
    if isinstance(error, OSError) and error.errno in _USER_ERRNO and error.filename is not None:
        reason, name = (error.strerror or type(error).__name__).lower(), redact(str(error.filename))
        return Failure(f"{name}: {reason}", BAD_INPUT, "file", reason, file=name)
    return None


def _usage(error: Exception) -> Failure:
    """A mistake on the command line itself: the message is typer's, the list of what is allowed is ours."""
    message = _one_line(str(error.format_message()))  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    line = message
    allowed: tuple[str, ...] | None = None
    if context is not None:
        commands = getattr(context.command, "commands", {})
        allowed = tuple(commands) or None
        listed = f" (allowed: {', '.join(commands)})" if commands else ""
        line = f"{message.rstrip('.')}{listed}; see '{context.command_path} --help'"
    return Failure(line, BAD_INPUT, "usage", message, path=_parameter(error), allowed=allowed)


def _parameter(error: Exception) -> str | None:
    """The flag or argument that a usage error is about, if it names one."""
    name = getattr(error, "option_name", None) or getattr(error, "param_hint", None)
    if name is None:
        parameter = getattr(error, "param", None)
        name = next(iter(getattr(parameter, "opts", ()) or ()), None)
    return str(name) if name else None
