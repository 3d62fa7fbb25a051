"""Pictures: every kind is drawn, twice with the same bytes, and its words are text."""

import pytest

from sim.pictures.draw import in_page, png, svg
from sim.pictures.kinds import DRAW
from sim.pictures.picture import Line, Picture, Series

X = (0.0, 1.0, 2.0)


def of_kind(kind: str) -> Picture:
    return Picture(
        name="some",
        kind=kind,
        title="A title that says what is seen",
        x_label="hours, h",
        y_label="share, %",
        series=(
            Series("first", X, (1.0, 2.0, 3.0), (0.5, 1.5, 2.5), (1.5, 2.5, 3.5)),
            Series("second", X, (2.0, 1.0, 4.0)),
            Series("law", X, (1.0, 2.0, 2.5), role="analytic"),
            Series("border", X, (2.0, 3.0, 4.0), (1.5, 2.5, 3.5), (2.5, 3.5, 4.5), "limit"),
            Series("told", X, (1.0, 1.0, 1.0), role="published"),
        ),
        lines=(Line("x", 1.5, "start"), Line("y", 2.0, "budget")),
        guesses=("price",),
        caption="n = 4, 95 % intervals.",
        places=("a", "b", "c"),
    )


@pytest.mark.parametrize("kind", DRAW)
def test_every_kind_is_drawn_with_the_same_bytes_twice(kind: str) -> None:
    picture = of_kind(kind)
    drawn = svg(picture)
    assert drawn == svg(picture)
    text = drawn.decode()
    assert "Guesses behind it: price." in text and "start" in text and "hours, h" in text
    assert "<dc:date>" not in text


def test_a_png_has_no_date_and_a_narrow_picture_is_another_one() -> None:
    picture = of_kind("lines")
    drawn = png(picture)
    assert drawn.startswith(b"\x89PNG") and drawn == png(picture)
    narrow = in_page(picture, True)
    assert 'role="img"' in narrow and "<?xml" not in narrow and 'viewBox="0 0 302.4' in narrow
