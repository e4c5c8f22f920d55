"""The pictures of the pages: what they show is in them, on one scale, in colours and numbers that can be read."""

import base64
import io
import re

import matplotlib
import numpy as np
import pytest
from PIL import Image

from grading.formats.html import charts, heat_maps
from grading.formats.html.sheet import INK, PAPER_INK

TELEPHONE = 288  # pixels: 360 less the margins of the page and of a card
WHITE, DARK_PAPER = (255, 255, 255), (0x15, 0x18, 0x1C)


def svg_of(picture):
    kind, content = picture.uri.split(",", 1)
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(content).decode("utf-8")


def cells_of(picture):
    """The colours of the elements of a heat map, block after block."""
    pictures = re.findall(r"data:image/png;base64,\s*([^\"]+)", svg_of(picture))
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in pictures]


def texts_of(picture):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg_of(picture))


def contrast(one, other):
    """The ratio of two colours' luminances (WCAG 2)."""

    def luminance(colour):
        parts = np.asarray(colour) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722)) + 0.05

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return high / low


def rgb(colour):
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


# Arrays


def test_a_heat_map_has_a_cell_an_element_where_the_element_is():
    """Rows and columns stay; white is 0, red above, blue below."""
    (cells,) = cells_of(heat_maps.array(np.array([[0.0, 1.0, -1.0], [1.0, 0.0, 0.0]]), 1.0))

    assert cells.shape == (2, 3, 3)
    assert (cells[0, 0] > 240).all()
    assert (cells[0, 1] == cells[1, 0]).all()
    assert cells[0, 1, 0] > cells[0, 1, 2]
    assert cells[0, 2, 0] < cells[0, 2, 2]


def test_arrays_of_one_scale_have_one_colour_for_one_number():
    """The same number is the same colour in arrays that are shown together, whatever else is in them."""
    ours, theirs = np.array([[1.0, 2.0]]), np.array([[8.0, 1.0]])
    scale = heat_maps.scale_of(ours, theirs)

    assert scale == 8
    assert (cells_of(heat_maps.array(ours, scale))[0][0, 0] == cells_of(heat_maps.array(theirs, scale))[0][0, 1]).all()


def test_a_transposed_matrix_looks_transposed():
    """The cells of the transpose are the transposed cells."""
    array = np.arange(9.0).reshape(3, 3)
    (cells,), (transposed,) = (cells_of(heat_maps.array(each, 8.0)) for each in (array, array.T))

    assert (cells != transposed).any()
    assert (cells.transpose(1, 0, 2) == transposed).all()


@pytest.mark.parametrize(
    ("result", "right", "scale"),
    [([1e9], [1.0], 2.0), ([5.0], [1.0], 5.0), ([1e9], [0.0], 1e9), ([0.0], [0.0], 1.0), ([np.inf], [3.0], 3.0)],
    ids=["far beyond", "beyond", "should be zero", "all zero", "infinite"],
)
def test_the_scale_is_that_of_what_is_right_where_the_result_is_far_beyond(result, right, scale):
    """So that what is right does not look like zeros."""
    assert heat_maps.scale_of(np.array(result), np.array(right)) == scale


@pytest.mark.parametrize("scale", [1e308, 5e-324, 1e-310])
@pytest.mark.filterwarnings("error")
def test_numbers_at_the_ends_of_float64_are_drawn(scale):
    """The largest and smallest numbers have the colours of the ends, without a warning."""
    (cells,) = cells_of(heat_maps.array(np.array([[-scale, 0.0, scale]]), scale))

    assert (cells[0, 1] > 240).all()
    assert cells[0, 0, 2] > cells[0, 0, 0]
    assert cells[0, 2, 0] > cells[0, 2, 2]


def test_what_is_not_finite_is_grey_and_named():
    """nan and infinities have a colour that no number has, and their names where numbers are written."""
    picture = heat_maps.array(np.array([[np.nan, np.inf, -np.inf, 1.0]]), 1.0)
    (cells,) = cells_of(picture)

    assert {tuple(cell) for cell in cells[0, :3]} == {rgb("#8a8a8a")}
    assert texts_of(picture)[-8:-4] == ["nan", "inf", "-inf", "1"]


def test_elements_are_numbered_as_in_python():
    """Indices of rows and columns from 0; of three axes, those of the block too; of one axis, of columns alone."""
    assert texts_of(heat_maps.array(np.zeros((2, 3)), 1.0)) == ["0", "1", *"000000", "0", "1", "2"]
    assert texts_of(heat_maps.array(np.zeros((2, 1, 1)), 1.0)) == ["0, 0", "0", "1, 0", "0", "0"]
    assert texts_of(heat_maps.array(np.zeros(2), 1.0)) == ["0", "0", "0", "1"]


def test_marked_elements_are_framed():
    """A frame around each, and around no other."""
    marked = np.array([[True, False], [False, True]])
    plain, framed = (heat_maps.array(np.zeros((2, 2)), 1.0, each) for each in (None, marked))

    assert svg_of(framed).count("stroke: #ffffff") - svg_of(plain).count("stroke: #ffffff") == 2


def test_numbers_can_be_read_on_their_colours():
    """Black or white on each colour of the map, whichever contrasts by 4.5 and more."""
    for place in np.linspace(0, 1, 101):
        colour = heat_maps.COLOURS(place)
        ink = rgb(heat_maps._readable(colour))

        assert contrast(ink, [255 * part for part in colour[:3]]) >= 4.5, place


@pytest.mark.parametrize(
    "shape",
    [
        (1,),
        (400,),
        (1, 400),
        (400, 1),
        (20, 20),
        (3, 2, 60),
        (100, 2, 2),
        (400, 1, 1),
        (2, 2, 2, 2),
        (6, 6),
        (1000, 1000),
    ],
)
def test_no_heat_map_is_wider_than_a_telephone_shows(shape):
    """Pictures of arrays of all shapes are within the page's width, and no higher than a screen."""
    picture = heat_maps.array(np.ones(shape), 1.0)

    assert picture.width <= TELEPHONE
    assert picture.height <= 480
    assert len(picture.uri) < 40_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-1.25, "-1.25"), (0.123456, "0.123"), (-0.0123456, "-0.012"),
        (0.0012345, "0.0012"), (9.99e-4, "1e-3"), (-3.21e-18, "-3e-18"), (999.9, "1000"), (12345.6, "12346"),
        (99999.9, "1e5"), (1.5e300, "2e300"), (float("nan"), "nan"), (float("-inf"), "-inf"),
    ],
)  # fmt: skip
def test_numbers_in_cells_are_short(value, text):
    """Two or three digits, without the zeros of an exponent."""
    assert heat_maps.short(value) == text


# Charts


def heights(picture, colour):
    """The heights of the marks of this colour that a chart has."""
    marks = re.findall(rf'<use xlink:href="[^"]*" x="[\d.]+" y="([\d.]+)" style="[^"]*{colour}', svg_of(picture))
    return [float(mark) for mark in marks]


@pytest.mark.filterwarnings("error")
def test_errors_lie_on_a_logarithmic_axis():
    """Each ten times larger error lies as much higher; one of 0 lies on the lower edge, nan on the upper."""
    marks = heights(charts.over_time(np.array([1e-3, 1e-2, 1e-1, 0.0, np.nan]), 1e-3), charts.THEIRS)
    third = (marks[3] - marks[4]) / 2

    assert np.allclose(np.diff(marks[:3]), -third)
    assert marks[0] == marks[3] == max(marks)
    assert marks[2] == marks[4] == min(marks)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "errors", [[0.0] * 3, [np.nan] * 3, [1.0] * 3, [1e-320, 1e308, 1.0], [np.inf, 0.0], [1.0], list(range(64))]
)
@pytest.mark.parametrize("allowed", [0.0, 1e-14, np.nan, np.inf])
def test_any_errors_can_be_drawn(errors, allowed):
    """Zeros, nan, one step, the largest and smallest numbers: there is a picture, and no warning."""
    picture = charts.over_time(np.array(errors), allowed)

    assert len(heights(picture, charts.THEIRS)) == len(errors)
    assert picture.width <= TELEPHONE


@pytest.mark.filterwarnings("error")
def test_a_wrong_gradient_stays_level_where_a_right_one_falls():
    """Theirs and ours are two lines of their own: one level, one that falls with the step and rises again."""
    steps = 10.0 ** -np.arange(1, 13)
    picture = charts.against_step(steps, np.full(12, 0.5), steps**2 + 1e-16 / steps)
    theirs, ours = heights(picture, charts.THEIRS), heights(picture, charts.OURS)

    assert len(set(theirs)) == 1
    assert max(ours) == ours[5] or max(ours) == ours[4]
    assert ours[0] < max(ours) > ours[-1]
    assert texts_of(picture)[-6:] == ["10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²"]


def test_bars_are_as_long_as_their_counts():
    """Twice the count is twice the length."""
    bars = re.findall(r'<path d="M ([\d.]+) ([\d.]+) L ([\d.]+) ', " ".join(
        svg_of(charts.bars_across([2, 4, 0], ["a", "b", "c"], 8)).split()
    ))  # fmt: skip
    lengths = [float(right) - float(left) for left, _, right in bars[:3]]

    assert lengths[1] == 2 * lengths[0] > 0
    assert lengths[2] == 0
    assert texts_of(charts.bars_upright([3, 0], ["0", "80"])) == ["3", "0", "80"]


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (200, 54), (1000, 60), (3000, 400)])
def test_a_matrix_has_its_outcomes_in_rows_and_columns(rows, columns):
    """The colour of each outcome lies where the hand-in's row and the property's column cross."""
    kinds = np.random.default_rng(0).integers(0, len(charts.KINDS) - 1, (rows, columns))
    picture = charts.matrix(kinds)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.uri.split(",")[1]))).convert("RGB"))
    high, wide = pixels.shape[0] // rows, pixels.shape[1] // columns

    assert pixels.shape[:2] == (picture.height, picture.width)
    assert (pixels[::high, ::wide] == np.array([rgb(colour) for colour in charts.KIND_COLOURS])[kinds]).all()


# What all have in common


def test_the_ink_is_that_of_the_page_in_light_and_dark():
    """Lines and words take the page's colour, which changes with light and dark; both can be read."""
    svg = svg_of(charts.over_time(np.ones(3), 1.0))

    assert INK not in svg
    assert "currentColor" in svg
    assert f"@media screen and (prefers-color-scheme:dark){{svg{{color:{PAPER_INK['dark']}}}}}" in svg
    assert contrast(rgb(PAPER_INK["light"]), WHITE) > 7
    assert contrast(rgb(PAPER_INK["dark"]), DARK_PAPER) > 7


@pytest.mark.parametrize("colour", [charts.THEIRS, charts.OURS, charts.LIMIT])
@pytest.mark.parametrize("paper", [WHITE, (0xF6, 0xF7, 0xF9), DARK_PAPER, (0x1E, 0x22, 0x27)])
def test_lines_stand_out_on_every_paper(colour, paper):
    """3 to 1 (WCAG 2, non-text contrast), on pages and cards, light and dark."""
    assert contrast(rgb(colour), paper) >= 3


def test_a_picture_asks_for_nothing():
    """No script, no address but of the formats' own names, no font of its own; nor when and by what it was made."""
    for picture in (heat_maps.array(np.ones((2, 2)), 1.0), charts.over_time(np.ones(3), 1.0)):
        svg = svg_of(picture)

        assert set(re.findall(r"https?://[^\"]+", svg)) <= {
            "http://www.w3.org/1999/xlink",
            "http://www.w3.org/2000/svg",
        }
        assert not re.search(r"<script|@import|@font-face|<metadata|\bon\w+=", svg)
        assert picture == charts.over_time(np.ones(3), 1.0) or picture == heat_maps.array(np.ones((2, 2)), 1.0)


def test_pictures_do_not_depend_on_a_users_settings_of_matplotlib():
    """Whatever stands in a matplotlibrc, pictures are the same, and the settings are left as they were."""
    plain = charts.bars_upright([1, 2], ["a", "b"])
    odd = {"text.usetex": True, "savefig.bbox": "tight", "lines.linestyle": ":", "figure.constrained_layout.use": True}
    with matplotlib.rc_context(odd):
        assert charts.bars_upright([1, 2], ["a", "b"]) == plain
        assert matplotlib.rcParams["text.usetex"]
