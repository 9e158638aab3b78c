"""The report's page in Chromium: nothing is asked for, nothing complains, and a telephone can show it."""

import itertools

import pytest
from support.browser import CHROMIUM, DRIVER, browser, complaints, open_page
from support.made_up_sweeps import made_up_rows, write_sweep

from j3o_jax.sweep_report import write_report

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium here: apt-get install chromium chromium-driver"
)

TWO = {"edge_uplink_fraction": [0.1, 0.5, 1.0], "clients": [10, 30, 100]}
ODD = {"batching_window": [None, 0.1], "allow_unserved": [True, False]}
LABELS = ("<b>&\"'</b>", "Überlänge-" * 12)

# How bright text is beside what lies behind it, by the formula of WCAG 2, for every element that has text of its own.
CONTRASTS = """
const brightness = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour !== "rgba(0, 0, 0, 0)" && colour !== "transparent") return colour;
  }
  return "rgb(255, 255, 255)";
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || element.closest("script, style, title") || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const text = element instanceof SVGElement ? style.fill : style.color;
  const [low, high] = [brightness(text), brightness(behind(element))].sort((a, b) => a - b);
  const ratio = (high + 0.05) / (low + 0.05);
  if (ratio < 4.5) found.push([element.tagName, element.textContent.slice(0, 40), ratio]);
}
return found;
"""


@pytest.fixture(scope="module")
def driver():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    methods = ("j3o", "price-directed", "exact-milp")
    two = made_up_rows(TWO, methods=methods, seeds=8, failing=0.5)
    drawn = made_up_rows({}, ("demand_scale",), seeds=50)
    odd = made_up_rows(ODD, methods=LABELS, seeds=4, failing=0.3)
    about = {
        "two": (two, {"grid": TWO, "missing": 1}),
        "drawn": (drawn, {"grid": {}, "drawn": ("demand_scale",)}),
        "odd": (odd, {"grid": ODD, "name": "<script>alert(1)</script>" + "x" * 200}),
    }
    return {
        name: write_report(write_sweep(folder / name, rows, **further)).page for name, (rows, further) in about.items()
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(375, 812), (1280, 900)], ids=["telephone", "desk"])
@pytest.mark.parametrize("name", ["two", "drawn", "odd"])
def test_a_page_is_shown(driver, pages, name, size, scheme):
    asked = open_page(driver, pages[name], *size, scheme)
    assert [address.rpartition("/")[2] for address in asked if not address.startswith("data:")] == ["report.html"]
    assert complaints(driver) == []
    assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
    boxes = driver.execute_script(
        """return [...document.querySelectorAll(".panel svg, svg.sample")].map((svg) => {
             const box = svg.getBoundingClientRect();
             return [box.width, box.height, box.left, svg.getBBox().width];
           });"""
    )
    assert len(boxes) > 5
    for width, height, left, drawn in boxes:
        assert width > 20
        assert height > 10
        assert left >= 0
        assert drawn > 5
    panels = driver.execute_script(
        """return [...document.querySelectorAll(".panel svg")].map((svg) => {
             const box = svg.getBoundingClientRect();
             return [box.right, Math.min(...[...svg.querySelectorAll("text")].map((text) =>
               parseFloat(getComputedStyle(text).fontSize) * box.width / svg.viewBox.baseVal.width))];
           });"""
    )
    for right, smallest in panels:
        assert right <= size[0]
        assert smallest >= 9.5  # pixels: as small as can be read
    assert driver.execute_script(CONTRASTS) == []


def test_wide_tables_move_in_their_own_box(driver, pages):
    open_page(driver, pages["two"], 375, 812)
    widths = driver.execute_script(
        """return [...document.querySelectorAll(".table")].map((box) => [box.scrollWidth, box.clientWidth,
             box.getBoundingClientRect().right, getComputedStyle(box).overflowX, box.tabIndex]);"""
    )
    assert any(inside > outside for inside, outside, *_ in widths)
    for _, _, right, overflow, tab in widths:
        assert right <= 375
        assert overflow == "auto"
        assert tab == 0


def test_names_run_no_script(driver, pages):
    open_page(driver, pages["odd"], 1280, 900)
    assert driver.execute_script("return document.scripts.length") == 1
    assert driver.execute_script("return document.querySelector('h1').textContent").startswith("<script>alert(1)")
    assert driver.execute_script("return document.querySelectorAll('table b').length") == 0


def test_headings_and_ids_are_in_order(driver, pages):
    open_page(driver, pages["two"], 1280, 900)
    levels = driver.execute_script("return [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = driver.execute_script("return [...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    places = driver.execute_script("return [...document.querySelectorAll('nav a')].map((a) => a.hash.slice(1))")
    assert set(places) <= set(ids)


def test_a_table_is_sorted_by_a_click(driver, pages):
    open_page(driver, pages["two"], 1280, 900)
    column = """return [...document.querySelectorAll("#points tbody tr")].map((row) => row.cells[3].dataset.order)"""
    before = driver.execute_script(column)
    click = """document.querySelectorAll("#points thead th")[3].querySelector("button").click()"""
    for direction in (1, -1):
        driver.execute_script(click)
        values = [float(value) for value in driver.execute_script(column) if value]
        assert values == sorted(values, reverse=direction < 0)
    assert sorted(before) == sorted(driver.execute_script(column))
    assert complaints(driver) == []


def test_without_scripts_nothing_is_missing(driver, pages):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(driver, pages["two"], 1280, 900)
        found = driver.execute_cdp_cmd("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
        rows = driver.execute_cdp_cmd("DOM.querySelectorAll", {"nodeId": found, "selector": "#points tbody tr"})
        buttons = driver.execute_cdp_cmd("DOM.querySelectorAll", {"nodeId": found, "selector": "th button"})
        assert len(rows["nodeIds"]) == 27 - 9
        assert buttons["nodeIds"] == []
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
