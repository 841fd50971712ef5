import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from microcalc.patches import contact
from microcalc.patches.contact import write_contact_sheets
from microcalc.patches.patch import Patch

SIDE = 96  # of a thumbnail of patches up to 96 px


@pytest.fixture
def make_store(write_patches, tmp_path):
    def make(number, size=8):
        toy = SimpleNamespace(name="toy", paper="none", labels=("normal", "two words"))
        patches = [Patch(f"<{i}>.png", i, 0, size, "normal", "grid", "train", "Jane") for i in range(number)]
        pixels = np.zeros((number, size, size), np.uint16)
        pixels[:, : size // 2] = 30000  # the upper half of each is bright
        return write_patches(tmp_path, toy, patches, pixels)

    return make


def test_each_label_has_a_page_with_pictures_that_load_as_they_are_needed(make_store, tmp_path):
    write_contact_sheets(make_store(150))
    page = (tmp_path / "contact-normal.html").read_text()
    # 13 columns of 96 px and gaps of 4 in 1360 px, 5 rows: 65 patches a picture.
    assert re.findall(r'<img src="(contact/normal-\d+\.jpg)" [^>]*loading="lazy"', page) == [
        f"contact/normal-00{n}.jpg" for n in range(3)
    ]
    assert page.count("<span title=") == 150
    assert 'alt="Patches 131 to 150 labelled normal"' in page
    empty = (tmp_path / "contact-two-words.html").read_text()
    assert "There is no patch of this label." in empty
    assert '<a href="contact-normal.html">normal</a>' in empty


def test_texts_are_escaped_and_no_patient_is_named(make_store, tmp_path):
    write_contact_sheets(make_store(2))
    page = (tmp_path / "contact-normal.html").read_text()
    assert "&lt;0&gt;.png at 0, 0: grid, train" in page
    assert "<0>" not in page
    assert "Jane" not in page


def test_patches_are_drawn_in_their_places(make_store, tmp_path):
    write_contact_sheets(make_store(3))
    picture = cv2.imread(str(tmp_path / "contact" / "normal-000.jpg"), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (SIDE, 13 * 100 - 4)
    for place in range(3):
        thumbnail = picture[:, place * 100 : place * 100 + SIDE]
        assert thumbnail[:40].mean() > 230  # in its own window: bright is white, dark is black
        assert thumbnail[56:].mean() < 25
    assert picture[:, 300:].mean() < 5


def test_large_patches_are_shrunk(make_store, tmp_path):
    write_contact_sheets(make_store(2, size=500))
    picture = cv2.imread(str(tmp_path / "contact" / "normal-000.jpg"), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (222, 6 * 226 - 4)


def test_of_very_many_some_are_shown_evenly(make_store, tmp_path, monkeypatch):
    monkeypatch.setattr(contact, "MOST_SHOWN", 20)
    number = 41
    write_contact_sheets(make_store(number, size=2))
    page = (tmp_path / "contact-normal.html").read_text()
    assert "20 of 41 are shown" in page
    shown = [int(n) for n in re.findall(r"&lt;(\d+)&gt;", page)]
    assert (len(shown), shown[0], shown[-1]) == (20, 0, 40)
    assert set(np.diff(shown)) <= {2, 3}


def test_sheets_of_an_earlier_store_are_removed(make_store, tmp_path):
    write_contact_sheets(make_store(150))
    write_contact_sheets(make_store(2))
    assert [path.name for path in (tmp_path / "contact").iterdir()] == ["normal-000.jpg"]
