from pathlib import Path

import pytest

from microcalc.datasets import Record
from microcalc.inspection import InspectedImage
from microcalc.inspection.across import faults_across, mirrored
from microcalc.truth import ImageTruth


def record(name, patient="p1", **known):
    return Record(Path(name), ImageTruth(path=name, patient=patient, **known))


def found(*pairs):
    records, images = zip(*pairs, strict=True)
    return [(fault.kind, fault.path, fault.others, fault.found) for fault in faults_across(records, images)]


def seen(name, patient="p1", *, sha=None, known=None, **more):
    return record(name, patient, **(known or {})), InspectedImage(path=name, pixels_sha256=sha, **more)


@pytest.mark.parametrize(
    ("patients", "whose"),
    [
        (("p1", "p1"), "the same patient"),
        (("p1", "p2"), "another patient"),
        (("p1", None), "a patient who may be another"),
    ],
)
def test_copies_say_whose_they_are(patients, whose):
    first, second = (seen(name, patient, sha="s") for name, patient in zip("ab", patients, strict=True))
    assert found(first, second, seen("c", sha="t")) == [("copy", "a", ("b",), f"the pixels of {whose}")]


def test_near_copies_are_not_told_twice():
    same = {"fingerprint": "00" * 64}
    pairs = [seen("a", sha="s", **same), seen("b", sha="s", **same), seen("c", sha="t", **same)]
    assert [kind for kind, *_ in found(*pairs)] == ["copy", "near copy", "near copy"]
    assert [of[1:3] for of in found(*pairs)][1:] == [("a", ("c",)), ("b", ("c",))]


def test_one_uid_in_two_files():
    uid = {"known": {"sop_instance_uid": "1.2"}}
    assert found(seen("a", **uid), seen("b", **uid)) == [("listed twice", "a", ("b",), "2 times by its SOPInstanceUID")]


def test_images_without_a_split_tear_nobody_apart():
    assert found(seen("a", known={"split": "train"}), seen("b"), seen("c", None), seen("d", None)) == []


def sides(*pairs):
    return [seen(str(n), f"p{n}", side=side, side_seen=other) for n, (side, other) in enumerate(pairs)]


def test_a_few_wrong_sides_are_faults_and_all_of_them_a_way_of_storing():
    """Four of five are four fifths: mirrored. Three of five, or three of three, are faults."""
    some = sides(("L", "R"), ("L", "R"), ("R", "L"), ("L", "L"), ("R", "R"), ("L", None), (None, "R"))
    assert [fault[:2] for fault in found(*some)] == [("side", "0"), ("side", "1"), ("side", "2")]
    assert mirrored([image for _, image in some]) == ()
    most = sides(("L", "R"), ("L", "R"), ("R", "L"), ("R", "L"), ("R", "R"))
    assert found(*most) == []
    [note] = mirrored([image for _, image in most])
    assert (note.kind, note.found) == ("note", "4 of 5 images the other way round")
    assert len(found(*sides(("L", "R"), ("L", "R"), ("R", "L")))) == 3
