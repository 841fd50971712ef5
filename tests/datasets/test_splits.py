from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.datasets import Facts, OtherFinding, Record, Table
from microcalc.datasets.splits import by_finding, read_split, split_by_patient, without_leaks, write_split
from microcalc.errors import ReadError, UsageError
from microcalc.truth import ImageTruth, TrueCalcification


def record(name, patient="p1", split=None, *, facts=None, **known):
    return Record(Path(name), ImageTruth(path=name, patient=patient, split=split, **known), facts or Facts())


def table(sizes, normal=()):
    """A table of patients with so many images each."""
    names = [(f"p{n}", image) for n, size in enumerate(sizes) for image in range(size)]
    return Table(record(f"{patient}-{image}.png", patient, normal=patient in normal) for patient, image in names)


def sides(split):
    """Patient -> the sides her images are on."""
    found = {}
    for image in split:
        found.setdefault(image.truth.patient, set()).add(image.truth.split)
    return found


SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=3, max_size=60), st.integers(0, 2**32 - 1), st.data())
def test_no_patient_stands_on_two_sides_and_every_side_has_its_share(sizes, seed, data):
    normal = {f"p{n}" for n in data.draw(st.sets(st.integers(0, len(sizes) - 1)))}
    images = table(sizes, normal)
    split = split_by_patient(images, SHARES, seed, stratify=lambda records: str(records[0].truth.normal))
    assert [r.path for r in split] == [r.path for r in images]
    found = sides(split)
    assert all(len(on) == 1 for on in found.values())
    for stratum in (set(found), set(found) & normal, set(found) - normal):
        count = Counter(side for patient in stratum for side in found[patient])
        for side, share in SHARES.items():
            assert abs(count[side] - share * len(stratum)) < 2


def test_shares_come_out_exactly_where_they_can():
    """Of 100 patients 60, 15 and 25; of 20 malignant ones 12, 3 and 5, plus or minus one."""
    images = table([1] * 100, {f"p{n}" for n in range(20)})
    split = split_by_patient(images, SHARES, 7, stratify=lambda records: str(records[0].truth.normal))
    assert Counter(r.truth.split for r in split) == {"train": 60, "validation": 15, "test": 25}
    assert Counter(r.truth.split for r in split if r.truth.normal) == {"train": 12, "validation": 3, "test": 5}


def test_a_split_that_tears_patients_can_be_replaced():
    torn = [record("a", "p1", "train"), record("b", "p1", "test"), record("c", "p2", "test")]
    split = split_by_patient(torn, {"train": 0.5, "test": 0.5}, 0)
    assert [len(on) for on in sides(split).values()] == [1, 1]


def test_the_seed_and_the_patients_decide_not_the_order():
    images = table([2] * 30)
    first = split_by_patient(images, SHARES, 1)
    assert sides(first) == sides(split_by_patient(images, SHARES, 1))
    assert sides(first) == sides(split_by_patient(Table(reversed(list(images))), SHARES, 1))
    assert sides(first) != sides(split_by_patient(images, SHARES, 2))


@pytest.mark.parametrize(
    "shares", [{}, {"train": 0.5, "test": 0.4}, {"train": 1.2, "test": -0.2}, {"train": 1.0, "test": 0.0}]
)
def test_shares_that_make_no_sense(shares):
    with pytest.raises(UsageError, match="positive shares that are 1 together"):
        split_by_patient(table([1] * 10), shares, 0)


def test_too_few_patients_and_images_without_one():
    with pytest.raises(UsageError, match="at least 3 patients"):
        split_by_patient(table([5, 5]), SHARES, 0)
    with pytest.raises(UsageError, match="the patient of every image"):
        split_by_patient(Table([record("a.png", None)]), {"train": 1.0}, 0)


def test_strata_by_the_worst_that_is_known():
    benign = TrueCalcification(x=1, y=1, pathology="benign")
    mass = Facts(others=(OtherFinding(kind="mass", bbox=(0, 0, 1, 1)),))
    assert (
        by_finding([record("a", calcifications=[benign]), record("b", facts=Facts(pathology="malignant"))])
        == "malignant"
    )
    assert by_finding([record("a", calcifications=[benign]), record("b", normal=True)]) == "benign"
    assert by_finding([record("a", calcifications=[TrueCalcification(x=1, y=1)], facts=mass)]) == "calcified"
    assert by_finding([record("a", facts=mass)]) == "other finding"
    assert by_finding([record("a", normal=True), record("b")]) == "nothing"


def test_a_split_is_written_and_read_back(tmp_path):
    images = table([2, 1, 3])
    split = split_by_patient(images, SHARES, 3)
    path = tmp_path / "deep" / "split.csv"
    write_split(split, path)
    assert path.read_text().splitlines()[0] == "path,patient,split"
    assert list(read_split(images, path)) == list(split)
    assert list(read_split(images[:2], path)) == list(split[:2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,patient,split\nother.png,p0,train\n", "none for 2 of 2, such as p0-0.png"),
        ("path,patient,split\np0-0.png,p0,train\np0-1.png,p9,train\n", "others for p0-1.png"),
        ("path,patient,split\np0-0.png,p0,train\np0-1.png,p0,dev\n", "others for p0-1.png"),
        ("path,side\np0-0.png,train\n", "no patient, split among path, side"),
    ],
)
def test_the_split_of_another_data_set(tmp_path, text, message):
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(ReadError, match=message):
        read_split(table([2]), tmp_path / "split.csv")


def test_merged_parts_that_share_patients():
    """p1 has three images in train and one in test, p2 only train, p3 only test."""
    rows = [("a", "p1", "train"), ("b", "p1", "train"), ("c", "p1", "test"), ("d", "p2", "train"), ("e", "p3", "test")]
    images = [record(*row) for row in rows]
    mended, [problem] = without_leaks(images)
    assert [r.truth.split for r in mended] == ["test", "test", "test", "train", "test"]
    assert (problem.kind, problem.found) == ("contradiction", "1 on two")
    assert "2 images of another side were moved to test" in problem.do
    assert [r.truth.split for r in without_leaks(images, "train")[0]] == ["train", "train", "train", "train", "test"]
    assert len(Table(mended)) == 5
    assert without_leaks(images[3:]) == (tuple(images[3:]), ())
