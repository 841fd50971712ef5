"""Matching on drawn scenes: against plain loops over all pixels, and what holds for any scene."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import match, parse_rule
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

RULES = ["disc14", "distance:0.8", "iou:0.3", "cluster", "cluster:marks=2"]
SPACING = (0.07, 0.1)
SIDE = 40


def detections_of(xy, scores, half):
    """Detections with boxes of (half width, half height) around their centres."""
    xy, half = np.array(xy, np.float64).reshape(-1, 2), np.array(half, np.float64).reshape(-1, 2)
    boxes = np.concatenate([xy - half, xy + half], axis=1)
    return Detections(xy, np.array(scores, np.float64), boxes, np.full(len(xy), np.nan))


# ---- plain loops; no point of these scenes lies on an edge


def random_scene(seed):
    rng = np.random.default_rng(seed)

    def polygon(least, most):
        angles, centre = np.linspace(0, 2 * np.pi, 7, endpoint=False), rng.uniform(8, SIDE - 8, 2)
        reach = rng.uniform(least, most, 7)
        corners = centre + np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return {"bbox": (x0, y0, x1, y1), "polygon": tuple(map(tuple, corners.tolist()))}

    lesions = [polygon(1.5, 4) for _ in range(5)]
    truth = ImageTruth(
        path="a",
        calcifications=[TrueCalcification(x=p["bbox"][0], y=p["bbox"][1], polygon=p["polygon"]) for p in lesions],
        clusters=[TrueCluster(**polygon(4, 12)) for _ in range(3)],
        ignore=[Ignored(**polygon(2, 12)) for _ in range(2)] + [Ignored(**lesions[0])],
    )
    found = detections_of(
        rng.uniform(0, SIDE, (15, 2)), rng.choice([0.1, 0.3, 0.5, 0.7, 0.9], 15), rng.uniform(0.7, 6, (15, 2))
    )
    return found, truth


def pixels_of(polygon):
    """All pixels of the image whose centres lie in a polygon."""
    return {xy for xy in product(range(SIDE), range(SIDE)) if Outline(polygon).contains_point(xy)}


def covers(xy, pixels, radius_mm=0.49):
    """Whether the disc around a mark covers one of the pixels."""
    return any(np.hypot((xy[0] - x) * SPACING[1], (xy[1] - y) * SPACING[0]) <= radius_mm for x, y in pixels)


def lies_within(pixels, ignored):
    """Whether pixels share some with those to ignore, and none of them is more than one away from those."""
    steps = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    return bool(pixels & ignored) and all(any((x + i, y + j) in ignored for i, j in steps) for x, y in pixels)


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(box, other):
    sides = [min(box[i + 2], other[i + 2]) - max(box[i], other[i]) for i in (0, 1)]
    return max(sides[0], 0) * max(sides[1], 0)


def overlap_of_pixels(box, pixels):
    return sum(overlap(box, (x - 0.5, y - 0.5, x + 0.5, y + 0.5)) for x, y in pixels)


def touching(rule, xy, box, lesion, pixels):
    """Whether a detection touches a lesion."""
    if rule == "distance:0.8":
        return np.hypot((xy[0] - lesion.x) * SPACING[1], (xy[1] - lesion.y) * SPACING[0]) <= 0.8
    if rule == "cluster:marks=2":
        return Outline(lesion.polygon).contains_point(xy)
    if rule == "disc14":
        return covers(xy, pixels)
    if rule == "iou:0.3":
        corners = np.array(lesion.polygon)
        whole = (*corners.min(axis=0), *corners.max(axis=0))
        return overlap(box, whole) / (area(box) + area(whole) - overlap(box, whole)) >= 0.3
    shared = overlap_of_pixels(box, pixels)
    return Outline(lesion.polygon).contains_point(xy) or shared / (area(box) + len(pixels) - shared) >= 0.2


def touching_ignored(rule, xy, box, region, pixels):
    """Whether a detection touches a region to ignore."""
    if rule in ("disc14", "distance:0.8"):
        return covers(xy, pixels, 0.49 if rule == "disc14" else 0.8)
    if rule == "cluster:marks=2":
        return Outline(region.polygon).contains_point(xy)
    share = overlap_of_pixels(box, pixels) / area(box)
    return share >= 0.3 if rule == "iou:0.3" else Outline(region.polygon).contains_point(xy) or share >= 0.2


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(6))
def test_the_account_is_that_of_plain_loops_over_all_pixels(seed, rule):
    found, truth = random_scene(seed)
    lesions = truth.clusters if rule.startswith("cluster") else truth.calcifications
    pixels = [pixels_of(lesion.polygon) for lesion in lesions]
    ignored = [pixels_of(region.polygon) for region in truth.ignore]
    account = match(found, truth, parse_rule(rule), SPACING, threshold=0.2)
    target = [not lies_within(held, set().union(*ignored)) for held in pixels]
    assert account.target.tolist() == target
    needed = 2 if rule == "cluster:marks=2" else 1
    touching_each, touched = [[] for _ in lesions], set()
    for d, (xy, box, score) in enumerate(zip(found.xy, found.boxes, found.scores, strict=True)):
        if score < 0.2:
            assert not any(a[d] for a in (account.hit, account.duplicate, account.false_positive, account.ignored))
            continue
        on = [touching(rule, xy, box, lesion, held) for lesion, held in zip(lesions, pixels, strict=True)]
        for i, asked_for in enumerate(target):
            if on[i] and asked_for:
                touched.add(d)
                touching_each[i].append(d)
        forgiven = any(on) or any(
            touching_ignored(rule, xy, box, region, held) for region, held in zip(truth.ignore, ignored, strict=True)
        )
        assert account.ignored[d] == (forgiven and d not in touched)
        assert account.false_positive[d] == (not forgiven)
    falling = [sorted(held, key=lambda d: -found.scores[d]) for held in touching_each]  # equal ones as listed
    assert account.hit_by.tolist() == [held[needed - 1] if len(held) >= needed else -1 for held in falling]
    assert set(np.flatnonzero(account.hit)) == {d for held in falling if len(held) >= needed for d in held[:needed]}
    assert set(np.flatnonzero(account.hit | account.duplicate)) == touched


# ---- what holds for any scene; on quarters of a pixel, so that edges are met and moving is exact

where = st.integers(0, 4 * SIDE).map(lambda quarters: quarters / 4)
place = st.tuples(where, where)
length = st.integers(1, 60).map(lambda quarters: quarters / 4)
score = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@st.composite
def box(draw):
    (x, y), width, height = draw(place), draw(length), draw(length)
    return x, y, x + width, y + height


triangle = st.tuples(place, place, place)
calcification = st.builds(
    lambda xy, size, polygon: TrueCalcification(x=xy[0], y=xy[1], diameter_mm=size, polygon=polygon),
    place,
    st.none() | st.sampled_from([0.0, 0.05, 0.21, 0.7]),
    st.none() | triangle,
)


@st.composite
def scene(draw):
    lesions = draw(st.lists(calcification, max_size=4))
    members = (
        st.none() | st.lists(st.sampled_from(range(len(lesions))), unique=True).map(tuple) if lesions else st.none()
    )
    outlined = st.none() | triangle
    truth = ImageTruth(
        path="a",
        calcifications=lesions,
        clusters=draw(st.lists(st.builds(TrueCluster, bbox=box(), polygon=outlined, members=members), max_size=3)),
        ignore=draw(st.lists(st.builds(Ignored, bbox=box(), polygon=outlined), max_size=3)),
    )
    found = draw(st.lists(st.tuples(place, score, st.tuples(length, length)), max_size=8))
    return detections_of([xy for xy, _, _ in found], [s for _, s, _ in found], [half for _, _, half in found]), truth


def with_extents(truth, rule):
    """The same truth without points where a rule compares boxes."""
    if not rule.startswith("iou"):
        return truth
    lesions = [c.model_copy(update={"diameter_mm": c.diameter_mm or 0.05}) for c in truth.calcifications]
    return truth.model_copy(update={"calcifications": tuple(lesions)})


def moved(truth, x, y):
    """The same truth elsewhere."""

    def shifted(part):
        new = {}
        if part.polygon is not None:
            new["polygon"] = tuple((u + x, v + y) for u, v in part.polygon)
        if isinstance(part, TrueCalcification):
            new |= {"x": part.x + x, "y": part.y + y}
        else:
            new["bbox"] = tuple(edge + step for edge, step in zip(part.bbox, (x, y, x, y), strict=True))
        return part.model_copy(update=new)

    lists = ("calcifications", "clusters", "ignore")
    return truth.model_copy(update={name: tuple(map(shifted, getattr(truth, name))) for name in lists})


@pytest.mark.parametrize("rule", RULES)
@given(drawn=scene(), threshold=score)
@settings(max_examples=30, deadline=None)
def test_every_detection_and_every_lesion_is_in_exactly_one_place(rule, drawn, threshold):
    found, truth = drawn[0], with_extents(drawn[1], rule)
    account = match(found, truth, parse_rule(rule), SPACING, threshold)
    counted = np.sum([account.hit, account.duplicate, account.false_positive, account.ignored], axis=0)
    assert counted.tolist() == (found.scores >= threshold).astype(int).tolist()
    assert account.hits + account.misses == account.target.sum()
    assert account.target[account.hit_by >= 0].all()
    assert account.hit[account.hit_by[account.hit_by >= 0]].all()


@pytest.mark.parametrize("rule", RULES)
@given(drawn=scene(), order=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_detections_matters_only_among_equal_scores(rule, drawn, order):
    found, truth = drawn[0], with_extents(drawn[1], rule)
    shuffled = list(range(len(found)))
    order.shuffle(shuffled)
    other = Detections(*(getattr(found, field.name)[shuffled] for field in dataclasses.fields(found)))
    first, second = (match(part, truth, parse_rule(rule), SPACING) for part in (found, other))
    assert (first.target == second.target).all()
    assert (np.append(found.scores, -1)[first.hit_by] == np.append(other.scores, -1)[second.hit_by]).all()
    assert (first.false_positive[shuffled] == second.false_positive).all()
    assert (first.ignored[shuffled] == second.ignored).all()
    if len(set(found.scores)) == len(found):
        assert (first.hit[shuffled] == second.hit).all()


@pytest.mark.parametrize("rule", RULES)
@given(drawn=scene(), x=st.integers(-50, 3000), y=st.integers(-50, 3000))
@settings(max_examples=30, deadline=None)
def test_moving_everything_by_whole_pixels_changes_nothing(rule, drawn, x, y):
    found, truth = drawn[0], with_extents(drawn[1], rule)
    there = dataclasses.replace(found, xy=found.xy + np.array([x, y]), boxes=found.boxes + np.array([x, y, x, y]))
    first = match(found, truth, parse_rule(rule), SPACING)
    second = match(there, moved(truth, x, y), parse_rule(rule), SPACING)
    for field in dataclasses.fields(first):
        assert (getattr(first, field.name) == getattr(second, field.name)).all(), field.name
