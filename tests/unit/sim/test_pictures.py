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


def test_a_log_axis_has_plain_numbers_and_a_name_of_an_upright_line_lies_level() -> None:
    text = svg(of_kind("lines")._replace(log="x", series=(Series("first", (1.0, 1000.0), (1.0, 2.0)),))).decode()
    assert ">1,000</text>" in text and "10^" not in text and "tspan" not in text
    name = next(row for row in text.splitlines() if ">start</text>" in row)
    assert "rotate(-90" not in name


def test_points_beside_a_law_are_not_joined() -> None:
    with_law = of_kind("lines")._replace(lines=())
    free = with_law._replace(series=tuple(each for each in with_law.series if each.role != "analytic"))
    dashed = [svg(picture).count(b"stroke-dasharray: 5.55") for picture in (with_law, free)]
    assert dashed[0] < dashed[1]
