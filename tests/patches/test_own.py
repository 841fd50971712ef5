import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.candidates import Candidates
from microcalc.patches import own
from microcalc.patches.own import MICROCALC16, MICROCALC32, MICROCALC112
from microcalc.truth import Ignored, TrueCalcification, TrueCluster

PROTOCOLS = [MICROCALC16, MICROCALC32, MICROCALC112]


@pytest.fixture
def proposed(monkeypatch):
    """Sets what the proposer finds, (x, y, score) on the window it is given; tells what it was given."""
    given = SimpleNamespace(found=())

    def propose(image, breast, spacing_mm):
        given.shape, given.spacing_mm = image.shape, spacing_mm
        table = np.array(given.found, float).reshape(-1, 3)
        return Candidates(table[:, :2], np.full(len(table), 0.3), table[:, 2])

    monkeypatch.setattr(own, "propose", propose)
    return given


@pytest.mark.parametrize(
    ("protocol", "size", "spacing_mm"), [(MICROCALC16, 16, 0.07), (MICROCALC32, 32, 0.07), (MICROCALC112, 112, None)]
)
def test_sizes_and_pitches(protocol, size, spacing_mm):
    assert (protocol.size_px, protocol.spacing_mm) == (size, spacing_mm)
    assert protocol.labels == ("normal", "benign", "malignant", "calcification")


def test_positives_are_centred_on_calcifications_and_named_by_pathology(toy, proposed):
    marks = (
        *toy.points((20, 30), pathology="benign"),
        *toy.points((40, 50), pathology="malignant"),
        *toy.points((50, 90), pathology="unknown"),
        *toy.points((2, 60)),
    )
    clusters = (TrueCluster(bbox=(0, 50, 10, 70), members=(3,), pathology="malignant"),)
    sites, _ = toy.planned(MICROCALC16, toy.ground(16, calcifications=marks, clusters=clusters))
    assert sites["benign"] == [(12, 22, "calcification")]
    # The last one has no pathology of its own, but its cluster has; it is shifted inside at the left edge.
    assert sites["malignant"] == [(32, 42, "calcification"), (0, 52, "calcification")]
    assert sites["calcification"] == [(42, 82, "calcification")]


def test_a_calcification_that_is_not_asked_for_is_in_no_class(toy, proposed):
    proposed.found = ((50.0, 90.0, 0.9),)
    ignore = (Ignored(bbox=(45, 85, 55, 95), reason="over 1 mm"),)
    ground = toy.ground(16, calcifications=toy.points((20, 30), (50, 90)), ignore=ignore)
    sites, left_out = toy.planned(MICROCALC16, ground)
    assert [corner for corners in sites.values() for corner in corners] == [(12, 22, "calcification")]
    assert left_out == {"candidates whose patch holds something marked or to be ignored": 1}


def test_a_calcification_with_an_outline_is_found_by_its_centre(toy, proposed):
    outline = ((20.0, 20.0), (30.0, 20.0), (30.0, 40.0), (20.0, 40.0))
    marks = (TrueCalcification(x=22.0, y=38.0, polygon=outline),)
    assert toy.planned(MICROCALC16, toy.ground(16, calcifications=marks))[0]["calcification"][0][:2] == (14, 30)


def test_negatives_are_centred_on_candidates_that_a_detector_would_list(toy, proposed):
    # The toy's breast is the left 60 columns of all 120 rows: the window begins at the image's first pixel.
    proposed.found = ((30.0, 50.0, 0.9), (40.0, 20.0, 0.1), (20.0, 90.0, 0.0999))
    sites, _ = toy.planned(MICROCALC16, toy.ground(16, normal=True))
    assert sites["normal"] == [(22, 42, "candidate"), (32, 12, "candidate")]


def test_candidates_are_looked_for_around_the_breast(toy, proposed):
    breast = np.zeros((120, 90), bool)
    breast[40:81, 30:60] = True
    proposed.found = ((20.0, 20.0, 0.9),)
    sites, _ = toy.planned(MICROCALC16, toy.ground(16, breast=breast, normal=True))
    assert proposed.shape == (41 + 16, 30 + 16)  # 8 pixels more on each side
    # The window begins at (22, 32): (20, 20) of it is (42, 52), and the patch begins 8 before.
    assert sites["normal"] == [(34, 44, "candidate")]


@pytest.mark.parametrize(("protocol", "pitch"), [(MICROCALC16, 0.09), (MICROCALC112, 0.07)])
def test_candidates_are_looked_for_at_the_pitch_of_the_ground(toy, proposed, protocol, pitch):
    ground = toy.ground(16, normal=True)
    frame = dataclasses.replace(ground.frame, spacing_mm=0.09 if protocol is MICROCALC16 else None)
    toy.planned(protocol, dataclasses.replace(ground, frame=frame))
    assert proposed.spacing_mm == pytest.approx(pitch)  # the toy's pixels are of 0.07 mm


def test_negatives_are_drawn_at_random_up_to_the_most(toy, proposed):
    # 100 candidates, worst first or best first: neither decides.
    proposed.found = tuple((10.0 + i // 10, 10.0 + 4 * (i % 10), 0.2 + i / 200) for i in range(100))
    ground = toy.ground(16, normal=True)
    (first, left_out), (again, _), (other, _) = (toy.planned(MICROCALC16, ground, seed) for seed in (1, 1, 2))
    assert len(first["normal"]) == 30
    assert left_out == {"candidates beyond the 30 drawn of an image": 70}
    assert first == again != other
    assert len(toy.planned(MICROCALC112, toy.ground(16, normal=True))[0]["normal"]) == 10


def test_nothing_is_negative_where_nothing_is_known(toy, proposed):
    proposed.found = ((30.0, 50.0, 0.9),)
    sites, left_out = toy.planned(MICROCALC16, toy.ground(16))
    assert sum(map(len, sites.values())) == 0
    assert left_out == {"images neither annotated nor known to be normal: no negatives": 1}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 89), st.integers(0, 119)), min_size=1, max_size=6),
    st.tuples(st.integers(0, 70), st.integers(0, 100)),
    st.sampled_from(PROTOCOLS[:2]),
)
def test_no_negative_holds_anything_marked(toy, points, corner, protocol):
    size, (x, y) = protocol.size_px, corner
    grid = [(float(column), float(row), 0.5) for column in range(0, 90, 9) for row in range(0, 120, 9)]
    with pytest.MonkeyPatch.context() as patched:
        table = np.array(grid)
        patched.setattr(own, "propose", lambda *_: Candidates(table[:, :2], table[:, 2], table[:, 2]))
        ground = toy.ground(
            size,
            breast=np.ones((120, 90), bool),
            calcifications=toy.points(*points),
            clusters=(TrueCluster(bbox=(x - 0.5, y - 0.5, x + 8.5, y + 8.5)),),
        )
        sites, _ = toy.planned(protocol, ground)
    forbidden = np.zeros(ground.shape, bool)
    forbidden[y : y + 9, x : x + 9] = True
    forbidden[[py for _, py in points], [px for px, _ in points]] = True
    assert not any(forbidden[y0 : y0 + size, x0 : x0 + size].any() for x0, y0, _ in sites["normal"])
    every = np.array([place[:2] for places in sites.values() for place in places])
    assert (every >= 0).all()
    assert (every + size <= (90, 120)).all()


def test_a_bright_speck_that_nobody_marked_is_a_negative(toy):
    """The whole way, with the proposer itself: two equal specks, of which the truth lists one."""
    ground = toy.ground(16, (400, 300), breast=np.ones((400, 300), bool), calcifications=toy.points((150, 120)))
    noise = 0.01 * np.random.default_rng(0).standard_normal((400, 300))
    image = (0.5 + noise).astype(np.float32)
    for x, y in ((150, 120), (150, 280)):
        image[y - 2 : y + 3, x - 2 : x + 3] += 0.3
    sites, _ = toy.planned(MICROCALC16, dataclasses.replace(ground, image=image))
    assert sites["calcification"] == [(142, 112, "calcification")]
    assert (142, 272, "candidate") in sites["normal"]
    assert not any(abs(x - 142) < 16 and abs(y - 112) < 16 for x, y, _ in sites["normal"])
