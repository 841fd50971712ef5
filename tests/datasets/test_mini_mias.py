import cv2
import numpy as np
import pytest

from microcalc.datasets import list_data
from microcalc.datasets.mini_mias import MiniMiasOptions, read
from microcalc.errors import ReadError

HEADER = b"P5\n1024 1024\n255\n"


@pytest.fixture
def films(tmp_path):
    """Writes an Info.txt with the given lines, and an empty film for each; lists them."""

    def write(*lines, **options):
        (tmp_path / "Info.txt").write_text("Prose that speaks of mdb files.\n\n" + "\r\n".join(lines) + "\r\n")
        for line in lines:
            (tmp_path / f"{line[:6]}.pgm").write_bytes(HEADER)
        return read(tmp_path, MiniMiasOptions(**options), None)

    return write


def only(listing):
    (record,) = listing.records
    return record


def warnings(listing):
    return [str(problem) for problem in listing.problems if problem.path not in (".", "Info.txt")]


def test_circles_count_rows_from_the_bottom(films):
    # Row 1023 - 424 = 599 in the middle, 87 to each side; x stays 503.
    record = only(films("mdb209 G CALC M 503 424 87"))
    (cluster,) = record.truth.clusters
    assert cluster.bbox == (416, 512, 590, 686)
    assert cluster.pathology == "malignant"
    assert record.truth.normal is False
    assert record.truth.ignore == ()


def test_the_first_pixel_may_be_one(films):
    # x 503 is column 502; y 424 is the 424th row from the bottom, 1024 - 424 = 600 from the top.
    (cluster,) = only(films("mdb209 G CALC M 503 424 87", first_pixel=1)).truth.clusters
    assert cluster.bbox == (415, 513, 589, 687)


def test_a_film_with_several_lines_is_one_image(films):
    record = only(films("mdb226 D CALC B 287 610 7", "mdb226 D CALC B 329 550 25", "mdb226 D SPIC M 531 721 8"))
    assert len(record.truth.clusters) == 2
    (mass,) = record.facts.others
    assert (mass.kind, mass.description, mass.pathology) == ("mass", "spiculated", "malignant")
    assert mass.bbox == (523, 294, 539, 310)
    assert record.facts.pathology == "malignant"


@pytest.mark.parametrize(
    ("line", "normal"),
    [("mdb003 D NORM ", True), ("mdb001 G CIRC B 535 425 197", None), ("mdb216 D CALC M *NOTE 3*", False)],
)
def test_only_films_without_any_finding_are_normal(films, line, normal):
    assert only(films(line)).truth.normal is normal


def test_calcifications_without_a_place_make_the_film_a_region_to_ignore(films):
    listing = films("mdb216 D CALC M *NOTE 3* ")
    record = only(listing)
    assert record.truth.clusters == ()
    assert record.truth.ignore[0].bbox == (-0.5, -0.5, 1023.5, 1023.5)
    assert record.facts.pathology == "malignant"
    assert warnings(listing) == [
        "mdb216.pgm: note: expected a circle around each finding, found CALC without one; "
        "nothing; the whole film is a region to ignore"
    ]


def test_another_finding_without_a_place_is_left_out(films):
    listing = films("mdb059 F CIRC B")
    assert only(listing).facts.others == only(listing).truth.ignore == ()
    assert "CIRC without one; nothing; it is left out" in warnings(listing)[0]


def test_patients_and_sides_follow_the_films(films):
    listing = films("mdb001 G NORM", "mdb002 G NORM", "mdb003 D NORM", "mdb322 D NORM")
    assert [(r.truth.patient, r.truth.side, r.truth.view) for r in listing.records] == [
        ("001", "L", "MLO"),
        ("001", "R", "MLO"),
        ("002", "L", "MLO"),
        ("161", "R", "MLO"),
    ]
    assert {r.truth.spacing_mm for r in listing.records} == {(0.2, 0.2)}
    assert all(r.facts.film and r.facts.remarks[0] == "mirrored, with its lettering" for r in listing.records)
    assert [p.kind for p in listing.problems] == ["note", "note"]
    assert "single specks are at the limit" in listing.problems[0].found


def test_what_is_wrong_with_single_films(films, tmp_path):
    films("mdb001 G NORM", "mdb002 G NORM", "mdb003 G NORM", "mdb004 G NORM")
    (tmp_path / "mdb001.pgm").unlink()
    (tmp_path / "mdb002.pgm").write_bytes(b"P5\n512 512\n255\n")
    (tmp_path / "mdb003.pgm").write_bytes(b"no picture")
    (tmp_path / "mdb300.pgm").write_bytes(HEADER)
    listing = read(tmp_path, MiniMiasOptions(), None)
    assert [record.path.name for record in listing.records] == ["mdb004.pgm"]
    kinds = {problem.path: problem.kind for problem in listing.problems}
    assert kinds["mdb001.pgm"] == "missing"
    assert (kinds["mdb002.pgm"], kinds["mdb300.pgm"]) == ("contradiction", "left out")
    assert kinds["mdb003.pgm"] == "unreadable"


def test_a_table_that_is_damaged(films):
    with pytest.raises(ReadError, match="found 'mdb002 G CIRC B 522 x 69' in line 4; fetch the table again"):
        films("mdb001 G NORM", "mdb002 G CIRC B 522 x 69")
    with pytest.raises(ReadError, match="found no such line"):
        films()


def test_no_films_at_all(films, tmp_path):
    films("mdb001 G NORM")
    (tmp_path / "mdb001.pgm").unlink()
    with pytest.raises(
        ReadError, match=r"the 1 images that the data set names, found none of them, such as mdb001\.pgm"
    ):
        list_data(f"mini_mias:{tmp_path}", fresh=True)


def test_what_the_layout_writes_is_read_back(lay_out, tmp_path):
    truths = lay_out(tmp_path, "mini_mias")
    listing = read(tmp_path, MiniMiasOptions(), None)
    assert {record.truth.path for record in listing.records} == set(truths)
    for record in listing.records:
        truth = truths[record.truth.path]
        kept = ("side", "view", "normal", "rows", "columns", "spacing_mm")
        assert [getattr(record.truth, name) for name in kept] == [getattr(truth, name) for name in kept]
        # The layout has a circle for the cluster and one for each calcification of its own, in whole pixels.
        circles = [cv2.minEnclosingCircle(np.array(c.polygon, np.float32)) for c in record.truth.clusters]
        alone = len(truth.calcifications) - sum(len(cluster.members) for cluster in truth.clusters)
        assert len(circles) == len(truth.clusters) + alone
        for mark in truth.calcifications:
            assert any(np.hypot(x - mark.x, y - mark.y) <= radius + 1 for (x, y), radius in circles)
    pairs = {truths[record.truth.path].patient: record.truth.patient for record in listing.records}
    assert pairs == {"p1": "001", "p2": "002"}


def test_the_real_films(shared):
    listing = read(shared / "mini_mias", MiniMiasOptions(), None)
    assert [record.path.name for record in listing.records] == [f"mdb{number:03d}.pgm" for number in range(1, 10)]
    assert "9; 313 are missing, such as mdb010.pgm" in [problem.found for problem in listing.problems]
    notes = [problem.path for problem in listing.problems if problem.kind == "note"]
    assert notes == [".", "Info.txt"]
    # The masses of mdb002 and mdb005 are brighter than what lies at the same place counted from the top.
    for number in (2, 5):
        record = listing.records[number - 1]
        pixels = record.read().pixels
        for mass in record.facts.others:
            x0, y0, x1, y1 = (int(edge) for edge in mass.bbox)
            assert pixels[y0:y1, x0:x1].mean() > 1.2 * pixels[::-1][y0:y1, x0:x1].mean()
    # The breasts lie at the side that the lettering on the films says: mirrored, left ones at the right.
    for record in listing.records[:6]:
        middle = record.read().pixels[:, 400:624].mean(axis=0)
        at_right = middle[112:].mean() > middle[:112].mean()
        assert at_right == (record.truth.side == "L")


def test_the_whole_real_table(shared, tmp_path):
    table = (shared / "mini_mias" / "Info.txt").read_bytes()
    (tmp_path / "Info.txt").write_bytes(table)
    for number in range(1, 323):
        (tmp_path / f"mdb{number:03d}.pgm").write_bytes(HEADER)
    records = read(tmp_path, MiniMiasOptions(), None).records
    # Counted in the table: 30 lines of calcifications on 25 films, three of them without a place; 207 normal films.
    assert sum(len(record.truth.clusters) for record in records) == 27
    assert sum(record.truth.normal is False for record in records) == 25
    assert [record.path.stem for record in records if record.truth.ignore] == ["mdb216", "mdb233", "mdb245"]
    assert sum(record.truth.normal is True for record in records) == 207
    assert len({record.truth.patient for record in records}) == 161
