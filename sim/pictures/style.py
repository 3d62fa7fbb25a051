"""Colours and marks of pictures: safe for the colour-blind, and never the only carrier of a meaning."""

INK, SOFT, ALARM = "#1b232b", "#5a6570", "#D55E00"
# Okabe-Ito, in the order of use.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A7A00", "#999999")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "\\\\\\", "xx", "++", "oo", "**")
# Who held the GPUs: the same colours as on the report of a run.
HOLDERS = {
    "internal critical": "#0072B2",
    "internal": "#56B4E9",
    "reserved": "#009E73",
    "on-demand": "#E69F00",
    "spot": "#F0E442",
    "cleaning or down": "#999999",
    "idle": "#EEEEEE",
}


def colour(name: str, place: int) -> str:
    """Return the colour of a series: its own where it is a holder, else the next of the palette."""
    return HOLDERS.get(name, COLOURS[place % len(COLOURS)])
