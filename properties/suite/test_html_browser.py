"""The pages in a browser: nothing overflows, everybody can read them, and nothing is asked of the network."""

import copy
import shutil
import subprocess
import sys

import pytest

from grading import formats
from grading.faults import Usage
from grading.formats.html import CLASS_PAGE, PAGE, browser, screenshots
from grading.grade import grade
from grading.report import write
from properties.hand_in import MODEL_SOLUTION
from properties.suite.html import reports

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.found() is None, reason="Chromium is not installed: apt-get install chromium"),
]
WIDTHS = (360, 1280)
LONG = "hostile" + 4 * "_of_a_name_without_an_end"
PAGES = {
    "right": f"right/{PAGE}",
    "wrong": f"wrong/{PAGE}",
    "hopeless": f"hopeless/{PAGE}",
    "hostile": f"{LONG}/{PAGE}",
    "class": CLASS_PAGE,
}
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")  # of axe-core


def wrong(right):
    """A report with every kind of picture, an advisory finding, a quiz and a total."""
    steps = [10.0**-power for power in range(1, 13)]
    falling = [step**2 + 1e-16 / step for step in steps]
    found = {"along": "W_ih", "steps": steps, "theirs": [0.5] * 12, "ours": falling}
    matrix = [[0.1 * row - 0.2 * column for column in range(20)] for row in range(20)]
    transposed = [list(column) for column in zip(*matrix, strict=True)]
    states = [[[0.5, -0.5, 1.0]] * 2] * 3
    series = [[0.1 * step, -0.1] for step in range(64)]
    late = [[0.0, 0.0], *series[:-1]]
    report = reports.losing(right, {
        ("RNN Backward", "dW_ih"): ("failed", "dW_ih[0, 1] is wrong", reports.example_of(
            "dW_ih", actual=transposed, expected=matrix, allowed=1e-12, differences=found)),
        ("RNN Classifier", "backward"): ("failed", "dh_0[0, 0, 0] is wrong", reports.example_of(
            "dh_0", actual=[[["nan", "inf", 0.0]] * 2] * 3, expected=states, allowed=1e-12)),
        ("GRU Forward", "h_t"): ("crashed", "GRU_Cell.forward raises ValueError: no (mytorch/gru_cell.py:7 in f)",
            reports.example_of("h_t")),
        ("GRU Backward", "dx"): ("not_run", "GRU_Cell.backward is not written yet", None),
        ("GRU Inference", "logits"): ("failed", "logits[0, 0] is wrong", {
            **reports.example_of("logits", actual=late, expected=series, allowed=1e-12),
            "case": "Prediction(D=1, H=1, C=2, T=64)"}),
    })  # fmt: skip
    advisory = next(prop for prop in report["steps"][0]["properties"] if prop["tier"] == "advisory")
    advisory.update(outcome="failed", message="h_t is of dtype float32")
    question = {
        "question": "q1",
        "points": 0,
        "max_points": 2,
        "given": "A",
        "outcome": "failed",
        "message": "A is not right",
    }
    quiz = {"points": 0, "max_points": 2, "message": "no question is called 'q9'", "questions": [question]}
    total = {"quiz": 0, "code": report["points"], "report": 9, "points": 9 + report["points"], "max_points": 100}
    return {
        **report,
        "submission": "wrong",
        "quiz": quiz,
        "total": total,
        "printed": "x" * 500,
        "sha256": "0123456789abcdef" * 4,
    }


@pytest.fixture(scope="module")
def members(small_run):
    right = grade("right", MODEL_SOLUTION, small_run)
    hostile = {**copy.deepcopy(reports.hostile(right)), "submission": LONG}
    return [right, wrong(right), reports.hopeless(right), hostile]


@pytest.fixture(scope="module")
def pages(members, tmp_path_factory):
    """The pages of a class in both languages: {language: folder}."""
    folder = tmp_path_factory.mktemp("pages")
    for language in ("en", "zh"):
        formats.write(members, ["html"], folder / language, formats.Options(language=language))
    return folder


@pytest.fixture(scope="module")
def opened():
    """One browser for all tests of this file."""
    with browser.opened() as context:
        yield context


@pytest.fixture
def show(opened, pages):
    """Open a page of the class; what it says to the console, and asks for, is collected in its attributes."""
    page = opened.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: page.asked.append(request.url))

    def open_page(name, language="en", width=1280, scheme="light"):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.goto((pages / language / PAGES[name]).as_uri())
        return page

    yield open_page
    page.close()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows(show, name, width, language):
    """No page is wider than the window, nothing in it sticks out, and no text is cut off, folded parts included."""
    page = show(name, language, width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OUTSIDE) == []


OUTSIDE = """
() => [...document.querySelectorAll('body *')].filter(each => {
    const box = each.getBoundingClientRect();
    const parent = each.parentElement.getBoundingClientRect();
    const cut = getComputedStyle(each).overflowX !== 'visible' && each.scrollWidth > each.clientWidth + 1;
    const vertical = getComputedStyle(each).writingMode !== 'horizontal-tb';
    return cut || (!vertical && (box.right > parent.right + 1 || box.left < parent.left - 1 || box.left < 0));
}).map(each => each.outerHTML.slice(0, 200))
"""


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_an_accessibility_checker_finds_nothing(show, name, width, scheme):
    """axe-core has nothing against a page: contrast, headings, tables, alternative texts, what a key can reach."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show(name, "en", width, scheme)
    found = axe.Axe().run(page, options={"runOnly": list(RULES)}).response

    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert len(found["passes"]) > 20


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_nothing_to_the_console_and_asks_for_nothing(show, name):
    """No error, no warning, no dialogue; no request but for the page itself and for what lies within it."""
    page = show(name)

    assert page.said == []
    assert page.asked[0] == page.url
    assert all(address.startswith("data:image/") for address in page.asked[1:])
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_what_a_student_wrote_is_shown_and_not_run(show):
    """The page of hostile texts has no element of theirs, its title is its own, and their markup can be read."""
    page = show("hostile")

    assert page.locator("script").count() == 0
    assert page.locator("img:not([src^='data:image/'])").count() == 0
    assert page.title().startswith("hostile")
    assert "<script>document.title='run'</script>" in page.inner_text("body")


def test_the_policy_stops_what_escaping_would_let_through(show):
    """A script and a picture from elsewhere that got into the page all the same are stopped by its policy."""
    page = show("right")
    stopped = []
    page.on("requestfailed", lambda request: stopped.append((request.url, request.failure)))
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = "document.title = 'run'";
        document.body.append(script);
        const image = document.createElement('img');
        image.src = 'https://example.org/x.png';
        document.body.append(image);
    }""")
    page.wait_for_function("document.images[document.images.length - 1].complete")

    assert page.title() != "run"
    assert stopped == [("https://example.org/x.png", "csp")]
    assert len([text for text in page.said if "Content Security Policy" in text]) == 2


def test_pictures_follow_light_and_dark(show):
    """The words in a picture are dark on a light page and light on a dark one."""
    brightness = []
    for scheme in ("light", "dark"):
        page = show("wrong", scheme=scheme)
        picture = page.locator("figure img").first
        brightness.append(page.evaluate(DARKEST_AND_LIGHTEST, picture.element_handle()))

    assert brightness[0][0] < 60
    assert brightness[1][1] > 200


DARKEST_AND_LIGHTEST = """
async image => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [17, image.naturalHeight];  // the indices of the rows
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = [];
    for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] > 200) seen.push(pixels[at]);
    return [Math.min(...seen), Math.max(...seen)];
}
"""


def test_a_key_reaches_every_example(show):
    """The tabulator reaches each summary, and the space bar opens and closes it."""
    page = show("hopeless")
    count = page.locator("summary").count()
    reached = set()
    for _ in range(count + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(
            "[...document.querySelectorAll('summary')].indexOf(document.activeElement)"
        ))  # fmt: skip
    page.locator("summary").last.focus()
    before = page.locator("details").last.get_attribute("open")
    page.keyboard.press("Space")

    assert reached >= set(range(count))
    assert count > 4
    assert page.locator("details").last.get_attribute("open") != before


def test_everything_is_printed(show):
    """On paper the examples that are folded on the screen are there, and the paper is white."""
    page = show("hopeless", scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    closed = page.locator("details:not([open]) > pre").first

    assert closed.evaluate("each => each.checkVisibility({contentVisibilityAuto: true})")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_links_of_the_class_lead_to_the_pages(show):
    """A click on a name opens that hand-in's page."""
    page = show("class")
    page.get_by_role("row", name="wrong").get_by_role("link").click()

    assert page.locator("h1").inner_text() == "wrong"


def test_screenshots_are_taken_by_one_command(members, tmp_path):
    """The command writes a picture of the right, the wrong and the class's page."""
    for report in members[:2]:
        renamed = {"right": screenshots.RIGHT, "wrong": screenshots.WRONG}[report["submission"]]
        write({**report, "submission": renamed}, tmp_path / "reports")
    command = [sys.executable, "-m", "grading.formats.html.screenshots", "--reports", str(tmp_path / "reports")]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "docs"), "--lang", "zh", "--width", "360", "--dark"],
        cwd=MODEL_SOLUTION.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    names = {file.name for file in (tmp_path / "docs").iterdir()}
    assert names == {f"report-{name}-zh-360-dark.png" for name in ("right", "wrong", "class")}


def test_a_missing_browser_is_told_in_a_sentence(monkeypatch):
    """Without Chromium the command says what to install."""
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with (
        pytest.raises(Usage, match="this needs Chromium, and none was found: apt-get install chromium"),
        browser.opened(),
    ):
        pass
