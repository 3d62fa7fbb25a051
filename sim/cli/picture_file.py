"""A picture in a file of its own, for the commands that draw one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import SimError

if TYPE_CHECKING:
    from sim.pictures.picture import Picture


def require_drawable(out: Path, flag: str) -> None:
    """Raise SimError, before any work is done, where no picture can be drawn or `out` names no kind of picture."""
    from sim.experiments.folder import can_draw

    if not can_draw():
        raise SimError("no pictures without matplotlib", code="no_report", allowed="pip install 'spillway[report]'")
    if out.suffix not in (".svg", ".png"):
        raise SimError("unknown kind of picture", path=flag, found=str(out), allowed="a name in .svg or .png")


def write_picture(picture: "Picture", out: Path) -> None:
    """Write a picture as SVG or PNG, by the name of its file. Raises SimError: no place for it."""
    from sim.pictures.draw import png, svg

    try:
        out.write_bytes(png(picture) if out.suffix == ".png" else svg(picture))
    except OSError as error:
        reason = error.strerror or "unknown"
        raise SimError(f"cannot be written: {reason}", code="bad_file", file=str(out), allowed="a file") from None
