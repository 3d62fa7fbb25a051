"""The command `spillway`: one small file per command, one frame around all of them.

app        all commands at a glance, the entry point
frame      global flags, help, and the single place where an exception becomes an exit code
failure    which exception is whose fault
output     tables, CSV, Markdown, JSON
progress   ETA on stderr
runs       which run folder is meant
when       times as people write them
"""

from sim.cli.commands import app, main

__all__ = ["app", "main"]
