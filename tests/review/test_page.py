"""The page in a real browser: keys are pressed, and the decisions are in the file."""

import csv
import shutil
import time

import cv2
import numpy as np
import pytest

LOADED = "document.readyState === 'complete' && typeof all === 'object' && shown"


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def open_page(new_page):
    def open_page(server):
        page = new_page()
        page.open(server.url)
        page.wait(LOADED)
        return page

    return open_page


@pytest.fixture
def page(open_page, server):
    """Shows its first patch."""
    return open_page(server)


@pytest.fixture
def decisions(tmp_path, store):
    """(number of the patch, decision) line by line, as the file has them."""

    def decisions():
        number = {(patch.image, str(patch.x0), str(patch.y0)): number for number, patch in enumerate(store.patches)}
        with (tmp_path / "decisions.csv").open(newline="") as file:
            return [(number[row["image"], row["x0"], row["y0"]], row["decision"]) for row in csv.DictReader(file)]

    return decisions


def press(page, *keys):
    """Each once the page shows what the one before has led to."""
    for key in keys:
        page.press(key)
        page.wait("!busy && shown")


def test_keys_decide_and_the_decisions_are_in_the_file(page, decisions):
    press(page, "k", "d", "u")
    assert decisions() == [(0, "keep"), (1, "drop"), (2, "unsure")]
    assert page.text("counts") == "3 of 12 decided: 1 keep, 1 drop, 1 unsure"
    assert page.text("place") == "Patch 4 of 12"


def test_undo_goes_back_step_by_step(page, decisions):
    press(page, "k", "d", "z")
    assert page.text("place") == "Patch 2 of 12"
    assert page.text("decision") == "undecided"
    assert (page.text("origin"), page.text("image") != "") == ("healthy", True)
    press(page, "z", "u", "ArrowLeft", "d", "z")
    assert decisions()[2:] == [(1, "undecided"), (0, "undecided"), (0, "unsure"), (0, "drop"), (0, "unsure")]
    assert page.text("decision") == "unsure"


def test_a_review_goes_on_where_it_stopped(page, server, serve, open_page, decisions):
    press(page, "k", "ArrowRight", "d")
    server.session._ledger.__exit__(None, None, None)  # as if the process had ended
    again = open_page(serve())
    assert again.text("place") == "Patch 2 of 12"
    assert again.text("counts") == "2 of 12 decided: 1 keep, 1 drop, 0 unsure"
    press(again, "u")
    assert decisions() == [(0, "keep"), (2, "drop"), (1, "unsure")]


def test_only_what_is_asked_for_is_shown(page):
    # The toy store: 0, 3, 6 and 9 are labelled cluster.
    press(page, "l")
    assert page.value("document.getElementById('label').value") == "cluster"
    press(page, "k", "ArrowRight")
    assert page.text("place") == "Patch 7 of 12"
    press(page, "l", "o")
    assert page.text("place") == "Patch 8 of 12"
    press(page, "d", "ArrowLeft")
    assert page.text("place") == "Patch 6 of 12"
    press(page, "l", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    # 0 is decided.
    assert page.text("place") == "Patch 3 of 12"


def test_the_next_undecided_is_found_past_the_end(page):
    press(page, "k", *["ArrowRight"] * 10)
    assert page.text("place") == "Patch 12 of 12"
    press(page, "k")
    assert page.text("said") == "keep saved. There is no patch after this one."
    press(page, "n")
    assert page.text("place") == "Patch 2 of 12"


def test_a_page_sees_what_another_one_decides(page, server, open_page, decisions):
    other = open_page(server)
    press(page, "k")
    other.wait("all.decisions[0] === 'keep'")
    # As if it had not heard of it: nothing is written over, and what is there is shown.
    other.value("all.decisions[0] = 'undecided'")
    press(other, "d")
    assert other.text("trouble").startswith("drop is not saved.")
    assert (other.text("place"), other.text("decision")) == ("Patch 1 of 12", "keep")
    press(other, "d")
    page.wait("all.decisions[0] === 'drop'")
    # What else is told of the patch on show is still there.
    assert page.text("origin") == "healthy"
    assert decisions() == [(0, "keep"), (0, "drop")]


def test_a_server_that_is_gone_is_told_of_and_nothing_is_kept_for_later(page, server, decisions):
    press(page, "k")
    server.shutdown()
    server.server_close()
    press(page, "d")
    assert page.text("trouble").startswith("drop is perhaps not saved. The server does not answer.")
    assert page.text("place") == "Patch 2 of 12"
    assert page.text("decision") == "undecided"
    assert decisions() == [(0, "keep")]


def test_nothing_is_decided_unseen(page, server, decisions, monkeypatch):
    """A key held down, and a key pressed before the picture is there, decide nothing."""
    page.call("Input.dispatchKeyEvent", type="keyDown", key="k", text="k", autoRepeat=True)
    slow = server.session.patch
    monkeypatch.setattr(server.session, "patch", lambda number: (time.sleep(0.5), slow(number))[1])
    page.value("void go(11)")
    page.press("k")
    assert page.text("said") == "The picture is not there yet: look first."
    page.wait("shown")
    assert decisions() == []


def test_a_patch_without_picture_says_why_and_can_be_decided(page, server, store, decisions):
    server.session._pictures._image.cache_clear()
    missing = store.patches[0].image
    record = server.session._pictures._records[missing]
    hidden = record.path.with_suffix(".hidden")
    shutil.move(record.path, hidden)
    try:
        page.open(server.url)
        page.wait(LOADED)
        assert "No such file" in page.text("waiting")
        press(page, "d")
    finally:
        shutil.move(hidden, record.path)
    assert decisions() == [(0, "drop")]


def grey(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900)])
def test_all_of_it_fits_the_window_and_the_patch_is_seen(page, width, height):
    shot = grey(page.picture(width, height))
    assert shot.shape == (height, width, 3)
    fits = "(e => e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth)"
    for part in ("document.documentElement", "document.querySelector('section')"):
        page.wait(f"{fits}({part})")
    box = page.value("(({x, y, width, height}) => [x, y, width, height])(frame.getBoundingClientRect())")
    x, y, wide, high = (round(value) for value in box)
    # The patch is at least a quarter of the window's height, and its tissue has contrast.
    assert min(wide, high) > height / 4
    assert shot[y : y + high, x : x + wide].std() > 20


def test_the_view_can_be_changed_by_keys(page):
    def width():
        return page.value("frame.getBoundingClientRect().width")

    small = width()
    page.press("+", "+")
    page.wait(f"Math.abs(frame.getBoundingClientRect().width / {small} - 2.25) < 0.01")
    # Towards the patch: its middle comes to that of the figure, or the picture to the figure's edge.
    apart = page.value(
        """(({ x: a, width: b }, { x: c, width: d }, { left, right }) =>
        Math.min(Math.abs(a + b / 2 - c - d / 2), Math.abs(left - c), Math.abs(right - c - d))
        )(frame.getBoundingClientRect(), figure.getBoundingClientRect(), sheet.getBoundingClientRect())"""
    )
    assert apart < 1
    page.press("ArrowRight", shift=True)
    page.press("ArrowRight", shift=True)
    left = page.value("frame.getBoundingClientRect().x")
    page.press("ArrowLeft", shift=True)
    page.wait(f"Math.abs(frame.getBoundingClientRect().x - {left} - 80) < 1")
    page.press("-", "-", "m", "f", "c")
    page.wait(f"Math.abs(frame.getBoundingClientRect().width - {small}) < 1 || !frame.getBoundingClientRect().width")
    assert page.value("document.body.className.split(' ').sort().join()") == "contrast,no-bounds,no-marks"


def test_every_control_has_a_name_and_is_reached_by_tab(page):
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "checkbox", "progressbar", "image", "navigation", "region", "group", "alert")
    controls = [node for node in tree if not node["ignored"] and node["role"]["value"] in roles]
    assert len(controls) > 15
    assert not [node for node in controls if not node.get("name", {}).get("value") and node["role"]["value"] != "alert"]
    reached = set()
    for _ in range(20):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
        reached.add(page.value("document.activeElement.dataset.do ?? document.activeElement.id"))
    assert {"label", "undecided", "keep", "drop", "unsure", "back", "on", "next", "undo", "marks"} <= reached
