"""The report in Debian's Chromium: on a screen and a phone, light and dark, and printed."""

import re

import browser
import pytest
import report_study

from convstudy.report.page import write_report

pytestmark = pytest.mark.skipif(bool(browser.why_not()), reason=str(browser.why_not()))
LONG = "a_very_long_name_" * 18
WIDTHS = (1300, 400)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    labels = ("Plain", LONG, "名" * 300, "x" * 300)
    classes = ["bird", LONG, "鳥" * 300, "y" * 300]
    write_report(
        folder / "report.html",
        **report_study.build(folder, labels=labels, classes=classes, notes=["z" * 300]),
    )
    return folder / "report.html"


@pytest.fixture(scope="module")
def shown():
    with browser.tab() as tab:
        yield tab


@pytest.fixture
def tab(shown, page):
    shown.complaints.clear()
    shown.open(page, 1300)
    return shown


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_fails_or_overflows(tab, page, width, dark):
    tab.open(page, width, dark)
    assert tab.complaints == []
    assert tab.run("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length"
    assert tab.run("document.images.length") > 10
    assert tab.run(broken) == 0
    bounds = f"""[...document.querySelectorAll('main *')].filter(e => {{
        const box = e.getBoundingClientRect();
        return box.width && (box.right > {width} + 1 || box.left < -1) && !e.closest('.scroll, svg')
    }}).map(e => e.outerHTML.slice(0, 100))"""
    assert tab.run(bounds) == []


def colours(tab):
    """Brightness, 0-255, of the page's ground and of its letters."""
    found = tab.run("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    return [sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 for colour in found]


def test_dark_is_dark_and_paper_is_light(tab, page):
    for dark, media, light_ground in (
        (False, "screen", True), (True, "screen", False), (True, "print", True),
    ):  # fmt: skip
        tab.open(page, 1300, dark, media)
        ground, letters = colours(tab)
        assert (ground > 200 and letters < 80) if light_ground else (ground < 60 and letters > 180)
    tab.open(page, 1300, dark=True)
    fills = "[...document.querySelectorAll('.intervals .point')].map(e => getComputedStyle(e).fill)"
    for fill in tab.run(fills):
        red, green, blue = map(int, re.findall(r"\d+", fill))
        assert 0.21 * red + 0.72 * green + 0.07 * blue > 110


def test_paper_has_room_for_all(tab, page):
    tab.open(page, 688, media="print")  # A4 between its margins
    assert tab.run("document.documentElement.scrollWidth") <= 688
    broken = """[...document.querySelectorAll('td:not(.words)')].filter(
        cell => cell.textContent.trim() && cell.getClientRects()[0]?.height > 40).length"""
    assert tab.run(broken) == 0
    assert tab.pdf().startswith(b"%PDF")


TABLE = "document.querySelector('#results table.grid')"


def test_a_table_sorts_by_its_numbers(tab):
    cells = f"[...{TABLE}.querySelectorAll('[data-of$=test_loss_mean]')]"
    values = f"{cells}.map(cell => +cell.dataset.value)"
    button = f"[...{TABLE}.querySelectorAll('.sort')].find(b => b.textContent === 'loss')"
    before = tab.run(values)
    tab.run(f"{button}.click()")
    assert tab.run(values) == sorted(before)
    tab.run(f"{button}.click()")
    assert tab.run(values) == sorted(before, reverse=True)
    assert tab.run(f"{button}.closest('th').getAttribute('aria-sort')") == "descending"


def test_a_table_filters_and_is_copied_as_it_is_shown(tab):
    block = f"{TABLE}.closest('.grid-block')"
    rows = f"[...{TABLE}.tBodies[0].rows].filter(r => !r.hidden).length"
    assert tab.run(rows) == 4
    tab.run(f"""(() => {{ const box = {block}.querySelector('input');
        box.value = 'plain'; box.dispatchEvent(new Event('input')); }})()""")
    assert tab.run(rows) == 1
    head, row = tab.run(f"asText({TABLE}, 'csv')").strip().split("\n")
    assert head.startswith("variant,protocol,seeds,accuracy %,95 % interval")
    assert row.startswith("Plain,corrected,2,") and '"[' in row
    latex = tab.run(f"asText({TABLE}, 'latex')").strip().split("\n")
    assert latex[0].startswith("\\begin{tabular}{lr") and latex[1] == "\\toprule"
    assert latex[2].startswith("variant & protocol & seeds & accuracy \\% &")
    assert latex[-1] == "\\end{tabular}"


def test_a_copy_reaches_the_clipboard(tab):
    copied = tab.run("""new Promise(done => {
        navigator.clipboard.writeText = text => { done(text); return Promise.resolve(); };
        document.querySelector('#results [data-copy=csv]').click(); })""")
    assert copied.startswith("variant,")


def test_choosers_of_one_name_move_together(tab):
    tab.run("""(() => { const select = document.querySelector('#classes select');
        select.value = '1'; select.dispatchEvent(new Event('change')); })()""")
    parts = "[...document.querySelectorAll('[data-group=result]')].filter(p => !p.hidden)"
    assert tab.run(f"{parts}.map(p => p.dataset.choice)") == ["1"] * 4
    assert tab.run("document.querySelector('#calibration select').value") == "1"


def test_settings_of_two_variants(tab):
    names = "document.querySelectorAll('#settings-table tbody tr:not([hidden]) th')"
    rows = f"[...{names}].map(cell => cell.textContent)"
    varying = ["model_options.hidden", "training.learning_rate"]
    assert tab.run(rows) == varying
    tab.run("""(() => { for (const [id, value] of [['one', '0'], ['other', '1']]) {
        document.getElementById(id).value = value;
        document.getElementById(id).dispatchEvent(new Event('change')); } })()""")
    assert tab.run(rows) == varying
    cells = "[...document.querySelectorAll('#settings-table thead th:not([hidden])')].length"
    assert tab.run(cells) == 3
    tab.run("document.getElementById('equal').click()")
    assert len(tab.run(rows)) > 6


def test_pictures_enlarge_by_keyboard_and_close(tab):
    tab.run("document.querySelector('#curves .zoom').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
                 windowsVirtualKeyCode=13)  # fmt: skip
    assert tab.run("document.getElementById('large').open") is True
    assert tab.run("document.querySelector('#large img').naturalWidth") > 0
    tab.run("document.querySelector('#large button').click()")
    assert tab.run("document.getElementById('large').open") is False


def test_words_explain_themselves_by_a_tap(tab):
    tab.run("document.querySelector('#differences .term').click()")
    assert tab.run("document.querySelector('.explained:popover-open').textContent.length") > 40


def test_a_cell_of_the_matrix_says_its_count(tab):
    tip = tab.run("""(() => {
        const matrix = document.querySelector('.matrix');
        const box = matrix.querySelector('.ground').getBoundingClientRect();
        matrix.dispatchEvent(new PointerEvent('pointermove',
            {clientX: box.left + 2, clientY: box.top + 2, bubbles: true}));
        const tip = document.getElementById('tip');
        return tip.hidden ? '' : tip.textContent; })()""")
    assert tip.startswith("bird → bird: ") and " of 76" in tip
