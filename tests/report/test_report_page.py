"""The page and the files of a report, for sweeps of all kinds."""

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from support.made_up_sweeps import made_up_rows, write_sweep

from j3o_jax.io import FileError
from j3o_jax.sweep_report import write_report

TWO = {"edge_uplink_fraction": [0.1, 0.5, 1.0], "clients": [10, 100]}
ODD = {"batching_window": [None, 0.1], "allow_unserved": [True, False]}
NASTY = '<script>alert("x")</script> & $x_{1}$ "Überlänge" ' + "x" * 150
LABELS = ("<b>&\"'</b>\\N", "名前🚀 " + "without-any-break" * 9)


class Page(HTMLParser):
    """What is in a page: elements, ids, references, headings, text."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.refers, self.headings, self.text, self.open = [], [], [], [], [], []
        self.source = Path(path).read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("href", "clip-path", "src"):
            if attributes.get(name):
                self.refers.append(attributes[name])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def reported(folder, rows, **about):
    report = write_report(write_sweep(folder, rows, **about), made="2026-11-27")
    page = Page(report.page)
    assert not page.open
    assert len(set(page.ids)) == len(page.ids)
    for reference in page.refers:
        name = re.sub(r"^url\((.*)\)$", r"\1", reference)
        if name.startswith("#"):
            assert name[1:] in page.ids
        elif name != "data:,":
            assert not re.match(r"[a-z]+:|/", name)
            assert (folder / re.sub("%20", " ", name)).exists(), name
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(page.headings))
    # Not even the address of a name space that a browser would never ask for, but for SVG's own.
    assert set(re.findall(r"https?://[^\s\"'<]+", page.source)) <= {"http://www.w3.org/2000/svg"}
    assert str(folder.parent) not in page.source
    for paths in report.pictures.values():
        assert [Path(path).suffix for path in paths] == [".svg", ".png"]
        assert all(Path(path).stat().st_size > 1000 for path in paths)
    return report, page


def test_one_parameter(tmp_path):
    report, page = reported(tmp_path / "one", made_up_rows(seeds=12), name="uplink")
    assert list(report.pictures) == [
        "objective",
        "difference",
        "distribution",
        "gaps",
        "certificates",
        "traffic",
        "rates",
    ]
    assert "72 scenarios of taskonomy5 at 6 points of a grid, solved by j3o and exact-milp." in page.words
    assert "exact-milp is best" in page.words
    assert "not complete" not in page.words
    methods = pl.read_csv(report.tables[0])
    assert methods["method"].to_list() == ["j3o", "exact-milp"]
    assert pl.read_csv(report.tables[1]).height == 12
    # Text is text, and follows the page's colours.
    assert page.source.count("<text") > 20
    assert "var(--c-0072b2" in page.source
    assert "DejaVu" not in re.sub(r"(?s)<style>.*?</style>", "", page.source)


def test_two_parameters_and_an_unfinished_sweep(tmp_path):
    rows = made_up_rows(TWO, methods=("j3o", "exact-milp", "full-local"), seeds=8, failing=0.6)
    report, page = reported(tmp_path / "two", rows, grid=TWO, missing=1)
    assert not report.statistics.complete
    assert "This sweep is not complete: 6 of 9 chunks" in page.words
    assert "have no plan" in page.words
    assert "cannot be served by any node" in page.words
    assert "clients = 10" in page.words


def test_methods_that_are_not_equally_far(tmp_path):
    rows = made_up_rows(seeds=6)
    folder = tmp_path / "uneven"
    write_sweep(folder, rows)
    sorted((folder / "rows").glob("m1-*"))[-1].unlink()
    page = Page(write_report(str(folder)).page)
    assert "their means are over different scenarios" in page.words
    for chunk in (folder / "rows").glob("m1-*"):
        chunk.unlink()
    report = write_report(str(folder))
    assert "Nothing is here yet from exact-milp." in Page(report.page).words
    assert "difference" not in report.pictures


def test_no_grid_but_drawn_parameters(tmp_path):
    drawn = ("client_compute_scale", "demand_scale")
    rows = made_up_rows({}, drawn, seeds=60, unbounded=("j3o", "exact-milp"))
    report, page = reported(tmp_path / "drawn", rows, grid={}, drawn=drawn)
    assert list(report.pictures) == ["distribution", "drawn", "traffic", "rates"]
    assert "All figures" in page.words
    assert "Bounded" not in page.words


def test_one_method_and_one_seed(tmp_path):
    report, page = reported(tmp_path / "single", made_up_rows(methods=("j3o",), seeds=1))
    assert report.statistics.reference is None
    assert "One seed is no sample" in page.words
    assert "difference" not in report.pictures


def test_nothing_has_a_plan(tmp_path):
    rows = made_up_rows(seeds=3).with_columns(
        pl.lit("infeasible").alias("status"), pl.lit(None, pl.Float64).alias("objective")
    )
    report, page = reported(tmp_path / "nothing", rows)
    assert list(report.pictures) == ["rates"]
    assert "36 rows (100 %) have no plan" in page.words


def test_names_are_only_names(tmp_path):
    rows = made_up_rows(ODD, methods=LABELS, seeds=5, failing=0.5)
    report, page = reported(tmp_path / "a folder", rows, grid=ODD, name=NASTY)
    assert page.tags.count("script") == 1
    assert "b" not in page.tags[page.tags.index("table") :]
    assert " ".join(NASTY.split()) in page.words
    for label in LABELS:
        assert label in page.words
    assert "null" in page.words
    assert report.statistics.methods == LABELS


def test_the_same_rows_make_the_same_bytes(tmp_path):
    rows = made_up_rows(TWO, ("demand_scale",), seeds=6)
    contents = []
    for name in ("first", "second"):
        report, _ = reported(tmp_path / name / "sweep", rows, grid=TWO, drawn=("demand_scale",))
        paths = [report.page, *report.tables, *(path for paths in report.pictures.values() for path in paths)]
        contents.append([Path(path).read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_a_page_elsewhere(tmp_path):
    folder = write_sweep(tmp_path / "sweep", made_up_rows(seeds=2))
    report = write_report(folder, str(tmp_path / "pages.html"))
    assert (tmp_path / "pages-figures" / "objective.svg").exists()
    assert not (tmp_path / "sweep" / "report.html").exists()
    assert 'href="sweep/rows/"' in Path(report.page).read_text(encoding="utf-8")


def test_long_tables_are_cut(tmp_path):
    grid = {"edge_uplink_fraction": [value / 400 for value in range(1, 201)]}
    _, page = reported(tmp_path / "long", made_up_rows(grid, seeds=2), grid=grid)
    assert "The first 300 of 400 rows." in page.words
    assert len(page.source) < 1_000_000


@pytest.mark.parametrize("damage", ["cut", "empty", "none"])
def test_damaged_results_are_told(tmp_path, damage):
    folder = write_sweep(tmp_path / "sweep", made_up_rows(seeds=3))
    for chunk in sorted((tmp_path / "sweep" / "rows").iterdir()):
        if damage == "none":
            chunk.unlink()
        elif damage == "empty":
            chunk.write_bytes(b"")
        else:
            chunk.write_bytes(chunk.read_bytes()[:-200])
    with pytest.raises(FileError, match=r"finished chunk|cannot be read|damaged"):
        write_report(folder)
    assert not (tmp_path / "sweep" / "report.html").exists()


def test_a_damaged_page_of_rows_is_told(tmp_path):
    folder = write_sweep(tmp_path / "sweep", made_up_rows(seeds=30))
    chunk = sorted((tmp_path / "sweep" / "rows").iterdir())[0]
    content = bytearray(chunk.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    chunk.write_bytes(content)
    with pytest.raises(FileError) as told:
        write_report(folder)
    assert "\n" not in str(told.value)
