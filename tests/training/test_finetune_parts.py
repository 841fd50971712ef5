"""Who is trained on, and who is held out."""

from pathlib import Path

import pytest

from microcalc.datasets import Record, Table
from microcalc.errors import UsageError
from microcalc.training.finetune_parts import divide, with_synthetic
from microcalc.truth import ImageTruth, TrueCalcification

MARK = (TrueCalcification(x=5, y=5, diameter_mm=0.3),)


def table(patients, *, calcified=False, normal=True, split=None, suffix=""):
    """An image each."""
    return Table(
        Record(
            Path(f"/images/{patient}{suffix}.png"),
            ImageTruth(
                path=f"{patient}{suffix}.png",
                patient=patient,
                split=split,
                normal=False if calcified else normal,
                calcifications=MARK if calcified else (),
            ),
        )
        for patient in patients
    )


def names(prefix, count):
    return [f"{prefix}{number:02}" for number in range(count)]


def put_in(part):
    """What lesions in the normal images of a part would give, three times over in those to train on."""
    normal = [record.truth.patient for record in part if record.truth.normal]
    split = part[0].truth.split
    copies = range(3 if split == "train" else 1)
    made = [table(normal, calcified=True, split=split, suffix=f".{copy}") for copy in copies]
    return Table(record for one in made for record in one)


def test_patients_are_shared_out_with_and_without_calcium_alike():
    """0.6, 0.15 and 0.25 of 20 patients of either kind: 12, 3 and 5."""
    divided, unannotated = divide(table(names("c", 20), calcified=True).merge(table(names("n", 20))), 0)
    assert unannotated == 0
    for side, expected in {"train": 12, "validation": 3, "test": 5}.items():
        part = divided.split(side)
        for kind in (True, False):
            assert abs(sum(bool(record.truth.normal) is kind for record in part) - expected) <= 1
    sides = [set(divided.split(side).patients) for side in ("train", "validation", "test")]
    assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]


def test_another_seed_draws_others():
    known = table(names("n", 20))
    first, again, other = (divide(known, seed)[0].split("test").patients for seed in (0, 0, 1))
    assert first == again != other


def test_a_split_of_the_data_sets_own_stays():
    own = table(["a"], split="train").merge(table(["b"], split="validation"), table(["c"], split="test"))
    assert {record.truth.patient: record.truth.split for record in divide(own, 0)[0]} == {
        "a": "train",
        "b": "validation",
        "c": "test",
    }


def test_a_split_that_lacks_a_side_does_not():
    half = table(names("n", 10), split="train")
    assert {record.truth.split for record in divide(half, 0)[0]} == {"train", "validation", "test"}


def test_what_nobody_knows_anything_of_is_left_out():
    divided, unannotated = divide(table(names("n", 10)).merge(table(["x", "y"], normal=None)), 0)
    assert (len(divided), unannotated) == (10, 2)
    with pytest.raises(UsageError, match="found 2 of which nothing is known"):
        divide(table(["x", "y"], normal=None), 0)


def test_merely_normal_images_are_measured_on_with_and_without_lesions():
    divided, _ = divide(table(names("n", 20)), 0)
    parts = with_synthetic(divided, 0, put_in)
    assert parts.synthetic
    for part, copies in ((parts.train, 3), (parts.validation, 1), (parts.test, 1)):
        normal = sum(bool(record.truth.normal) for record in part)
        assert normal == len(part.patients) > 0
        assert len(part) == normal * (1 + copies)


def test_ones_own_calcifications_are_measured_on_alone():
    divided, _ = divide(table(names("c", 20), calcified=True).merge(table(names("n", 20))), 0)
    parts = with_synthetic(divided, 0, put_in)
    assert not parts.synthetic
    assert [record.path for record in parts.test] == [record.path for record in divided.split("test")]
    normal = sum(bool(record.truth.normal) for record in divided.split("train"))
    assert parts.inserted == 3 * normal
    assert len(parts.train) == len(divided.split("train")) + 3 * normal


def test_without_normal_images_nothing_can_be_measured():
    divided, _ = divide(table(names("c", 20), calcified=True), 0)
    with pytest.raises(UsageError, match="expected an image marked normal"):
        with_synthetic(divided, 0, put_in)


def test_where_no_lesion_finds_room_nothing_can_be_measured():
    divided, _ = divide(table(names("n", 20)), 0)
    with pytest.raises(UsageError, match="expected a target lesion"):
        with_synthetic(divided, 0, lambda part: Table(()))
