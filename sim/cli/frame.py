"""What every command has in common: global flags in any place, help with examples and exit codes, one way to fail.

`Root.main` is the single place where an exception becomes an exit code. Commands raise; they never print an error.
"""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from sim.cli import failure
from tenants.access.redact import redact

F = TypeVar("F", bound=Callable[..., Any])

GLOBAL_FLAGS = ("--json", "-q", "--quiet", "-v", "--verbose", "--no-color")
GLOBAL_VALUES = ("--runs",)
_ANYWHERE = "Global flags (--json -q -v --no-color --runs DIR) may stand before or after the command's name."


@dataclass(frozen=True, slots=True)
class Session:
    """The global flags of one call; `ctx.obj` of every command."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    runs: Path = field(default_factory=lambda: Path("runs"))


def session_of(ctx: typer.Context) -> Session:
    """The session that the root callback left in the context."""
    session = ctx.obj
    assert isinstance(session, Session)
    return session


def hoist(arguments: Sequence[str]) -> list[str]:
    """Move the global flags to the front, so that they may stand anywhere on the line. Stops at `--`.

    >>> hoist(["bill", "show", "last", "--json", "--runs", "out"])
    ['--json', '--runs', 'out', 'bill', 'show', 'last']
    """
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in GLOBAL_FLAGS or word.startswith(tuple(f"{name}=" for name in GLOBAL_VALUES)):
            front.append(word)
        elif word in GLOBAL_VALUES:
            value = next(words, "-")
            if value.startswith("-"):
                raise typer.BadParameter("a value must follow", param_hint=word)
            front += [word, value]
        else:
            rest.append(word)
    return front + rest


def use_color(no_color_flag: bool) -> bool:
    """Whether colour may be used at all: flag, NO_COLOR and TERM=dumb say no (rich then looks at the stream itself)."""
    return not (no_color_flag or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")


class _Help:
    """Help that begins with examples and ends with the exit codes (mixed into typer's command and group)."""

    examples: tuple[str, ...] = ()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write examples, then what click would write, then the exit codes."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {example}\n")
            formatter.write_paragraph()
        super().format_help(ctx, formatter)  # type: ignore[misc]
        formatter.write_paragraph()
        formatter.write_text(_ANYWHERE)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in failure.EXIT_CODES])


class Command(_Help, TyperCommand):
    """A leaf command."""


class Group(_Help, TyperGroup):
    """A command that holds others, such as `bill`."""


def command(app: typer.Typer, name: str, *examples: str) -> Callable[[F], F]:
    """Register the decorated function as command `name` of `app`; its help begins with `examples`."""
    return app.command(name, cls=type("Command", (Command,), {"examples": examples}))


def group(name: str, about: str, *examples: str) -> typer.Typer:
    """A Typer app for a command with sub-commands, in the house style."""
    class_ = type("Group", (Group,), {"examples": examples})
    return typer.Typer(name=name, help=about, cls=class_, rich_markup_mode=None, pretty_exceptions_enable=False)


class Root(Group):
    """The top of the command line: runs a command and turns whatever happens into an exit code."""

    examples = ("spillway demo --open", "spillway run gap --seed 7 --json")

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run `args` (default: the process's) and exit; always raises SystemExit.

        The parameters are typer's. Whatever the program was started as, it calls itself `spillway`.
        """
        words = list(sys.argv[1:] if args is None else args) or ["--help"]
        try:
            code = super().main(hoist(words), "spillway", complete_var, False, windows_expand_args, **extra)
            if code == failure.INTERRUPTED:  # typer turns Ctrl-C into a value; older ones raise Abort
                raise KeyboardInterrupt
        except (KeyboardInterrupt, typer.Abort):
            code = _interrupted(words, failure.INTERRUPTED)
        except SystemExit as leaving:
            if leaving.code != failure.TERMINATED:
                raise
            code = _interrupted(words, failure.TERMINATED)
        except Exception as error:
            code = _failed(error, words)
        sys.exit(code if isinstance(code, int) else failure.DONE)


def _failed(error: Exception, words: Sequence[str]) -> int:
    """Report a failure and return its exit code."""
    told = failure.describe(error)
    if told is None:
        _print_traceback(error)
        print(f"spillway: this is a bug of ours. To reproduce: {_again(words)}", file=sys.stderr)
        text = redact(f"{type(error).__name__}: {error}")
        told = failure.Failure(text, failure.INTERNAL, "internal", f"{text}; reproduce with: {_again(words)}")
    else:
        if "-v" in words or "--verbose" in words:
            _print_traceback(error)
        print(f"spillway: {told.line}", file=sys.stderr)
    _json_error(told, words)
    return told.exit_code


def _print_traceback(error: Exception) -> None:
    import traceback

    print(redact("".join(traceback.format_exception(error))), file=sys.stderr, end="")


def _interrupted(words: Sequence[str], code: int) -> int:
    """Report Ctrl-C or termination; what was finished before it stays, what was under way was never visible."""
    word = "interrupted" if code == failure.INTERRUPTED else "terminated"
    line = f"{word}; nothing half-written was left. To start again: {_again(words)}"
    print(f"spillway: {line}", file=sys.stderr)
    _json_error(failure.Failure(line, code, word, line), words)
    return code


def _json_error(told: failure.Failure, words: Sequence[str]) -> None:
    if "--json" in words:
        print(json.dumps(told.as_json(), indent=2, ensure_ascii=False))


def _again(words: Iterable[str]) -> str:
    """The command line as it can be pasted into a shell."""
    return redact(shlex.join(["spillway", *words]))


def new_app() -> typer.Typer:
    """The root app: global flags, no commands yet."""
    app = typer.Typer(
        name="spillway",
        cls=Root,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"spillway {version('spillway')}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, also on failure.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More remarks; tracebacks for bad input.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour (also NO_COLOR, TERM=dumb).")] = False,
    runs: Annotated[
        Path, typer.Option("--runs", envvar="SPILLWAY_RUNS", metavar="DIR", help="Where run folders live.")
    ] = Path("runs"),
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Simulate a GPU cluster that rents out its idle hours; schedule, meter, bill and report it."""
    ctx.obj = Session(json=json_, quiet=quiet, verbose=verbose, color=use_color(no_color), runs=runs)
