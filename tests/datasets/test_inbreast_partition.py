"""The lists of INbreast's images, and the validation part that is drawn from them."""

import csv
from collections import Counter

import pytest

from microcalc.datasets.inbreast_partition import (
    SEED,
    displaced,
    draw_validation,
    normals,
    partition,
    report_partition,
    runs,
)

SIDES = report_partition()


def test_the_report_counts_210_and_200_images():
    assert Counter(SIDES.values()) == {"train": 210, "test": 200}


@pytest.mark.parametrize(("which", "train", "test"), [("provided", 56, 49), ("checked", 50, 45)])
def test_each_list_of_normals_gives_its_own_denominator(which, train, test):
    assert Counter(SIDES[image] for image in normals(which)) == {"train": train, "test": test}


def test_the_checked_normals_are_among_those_provided():
    assert normals("checked") < normals("provided")


def test_displaced_labels_are_of_train_and_not_of_normal_images():
    assert {SIDES[image] for image in displaced()} == {"train"}
    assert len(displaced()) == 5
    assert not displaced() & normals("provided")


def test_the_validation_list_is_the_one_that_is_drawn():
    drawn = draw_validation(SIDES, normals("provided"), SEED)
    assert [image for image, side in partition().items() if side == "validation"] == drawn


def test_validation_is_a_third_of_train_and_leaves_test_alone():
    sides = partition()
    assert {image for image, side in sides.items() if side == "test"} == {
        image for image, side in SIDES.items() if side == "test"
    }
    # 56 exams of train: 10 without any calcification, 46 with. A third of each: 3 and 15.
    exams = [exam for exam in runs(sides) if sides[exam[0]] == "validation"]
    negative = [exam for exam in exams if normals("provided").issuperset(exam)]
    assert (len(exams), len(negative)) == (18, 3)
    assert Counter(sides.values()) == {"train": 145, "validation": 65, "test": 200}


def test_no_exam_stands_on_two_sides():
    sides = partition()
    assert all(len({sides[image] for image in exam}) == 1 for exam in runs(sides))


def test_an_exam_is_a_run_of_numbers():
    # 26 and 60 apart; 61 is another exam.
    assert runs(["10000147", "10000000", "10000026", "10000086"]) == [
        ["10000000", "10000026", "10000086"],
        ["10000147"],
    ]


def test_another_seed_draws_others_and_the_same_seed_the_same():
    first, second = (draw_validation(SIDES, normals("provided"), seed) for seed in (1, 2))
    assert first != second
    assert first == draw_validation(dict(reversed(SIDES.items())), normals("provided"), 1)


def test_a_third_is_drawn_of_either_kind():
    # Nine exams of one image, three of them normal: two of the six, one of the three.
    images = [str(10_000_000 + 100 * number) for number in range(9)]
    drawn = draw_validation(dict.fromkeys(images, "train"), set(images[:3]), 5)
    assert (len(drawn), len(set(drawn) & set(images[:3]))) == (3, 1)


def test_the_lists_are_those_that_were_published(shared):
    with (shared / "inbreast/standard_partitions.csv").open(newline="") as file:
        assert {row["image_id"]: row["partition"] for row in csv.DictReader(file)} == SIDES
    assert normals("provided") == set((shared / "inbreast/normals.txt").read_text().split())
    with (shared / "inbreast/our_normals.txt").open(newline="") as file:
        assert normals("checked") == {row["image_ids"] for row in csv.DictReader(file)}
    assert displaced() == set((shared / "inbreast/abnormal_images.txt").read_text().split())
