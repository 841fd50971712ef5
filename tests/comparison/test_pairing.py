from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.comparison.pairing import align
from microcalc.comparison.systems import System, SystemImage
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.detections import Detections
from microcalc.findings import Calcification, DetectorInfo
from microcalc.truth import ImageTruth

DETECTOR = DetectorInfo(name="ours", version="1", operating_point="b", threshold=0.5, score_floor=0.1, calibrated=False)


def found(path, uid=None, score=0.5, shape=None):
    marks = Detections.of_marks([Calcification(x=1, y=1, score=score)], None)
    return SystemImage(path, uid, marks, None, None, None, shape)


def system(*images, failed=(), name="theirs", detector=None):
    """A system that lists images, or paths of images."""
    listed = tuple(image if isinstance(image, SystemImage) else found(image) for image in images)
    return System(name, Path(f"{name}.csv"), "", detector, listed, tuple(failed))


def truths(*paths, **fields):
    return [ImageTruth(path=path, **fields) for path in paths]


def paired(aligned):
    """For each system, path in the truth -> path of the system's image."""
    return [
        {truth.path: image.path for truth, image in zip(aligned.truths, images, strict=True)}
        for images in aligned.found
    ]


def test_the_order_is_the_truth_s():
    aligned = align(truths("b", "a"), [system("a", "b"), system("b", "a")])
    assert [truth.path for truth in aligned.truths] == ["b", "a"]
    assert [[image.path for image in images] for images in aligned.found] == [["b", "a"], ["b", "a"]]
    assert aligned.remarks == ()


def test_the_uid_comes_before_the_path():
    exchanged = [ImageTruth(path="a", sop_instance_uid="1.2"), ImageTruth(path="b", sop_instance_uid="1.1")]
    assert paired(align(exchanged, [system(found("a", "1.1"), found("b", "1.2"))])) == [{"a": "b", "b": "a"}]


def test_the_path_serves_where_one_side_has_no_uid():
    known = [ImageTruth(path="x/a", sop_instance_uid="1.1"), ImageTruth(path="y/a")]
    assert paired(align(known, [system(found("x/a"), found("y/a", "1.2"))])) == [{"x/a": "x/a", "y/a": "y/a"}]


@pytest.mark.parametrize("path", ["./exam\\a.png", "exam/./a.png"])
def test_the_truth_s_paths_compare_as_posix(path):
    assert paired(align(truths(path), [system("exam/a.png")])) == [{path: "exam/a.png"}]


@pytest.mark.parametrize("path", ["a.png", "other/a.png", "/data/train/a.png", "C:/data/a.png"])
def test_a_file_name_serves_where_it_is_the_only_one(path):
    assert paired(align(truths("train/a.png"), [system(path)])) == [{"train/a.png": path}]


def test_letter_case_counts():
    with pytest.raises(UsageError, match=r"1 image \(A\.png\) not in the truth"):
        align(truths("a.png"), [system("A.png")])


@pytest.mark.parametrize(
    ("known", "listed", "found"),
    [
        (("p1/L.png", "p2/L.png"), ("L.png",), "L.png, one of 1 of its name here and of 2 in the truth"),
        (("p1/L.png",), ("q1/L.png", "q2/L.png"), "q1/L.png, one of 2 of its name here and of 1 in the truth"),
    ],
)
@pytest.mark.parametrize("unmatched", ["fail", "empty", "common"])
def test_file_names_that_could_be_two_images_are_refused(known, listed, found, unmatched):
    with pytest.raises(UsageError, match=rf"theirs\.csv: .* found {found}; give the paths of the truth"):
        align(truths(*known), [system(*listed)], unmatched=unmatched)


def test_a_name_taken_by_its_path_is_not_ambiguous():
    """b/L.png is another image than a/L.png, which is listed by its path: the truth does not know it."""
    with pytest.raises(UsageError, match=r"found 1 image \(b/L\.png\) not in the truth"):
        align(truths("a/L.png"), [system("a/L.png", "b/L.png")])


def test_one_of_many_folders_is_not_taken_for_another():
    with pytest.raises(
        UsageError, match=r"found 1 image \(p2/L\.png\) not listed; 1 image \(p3/L\.png\) not in the truth"
    ):
        align(truths("p1/L.png", "p2/L.png"), [system("p1/L.png", "p3/L.png")])


def test_another_uid_at_the_same_path_is_another_image():
    with pytest.raises(ReadError, match=r"theirs\.csv: expected a to be the image .* another SOPInstanceUID"):
        align(truths("a", sop_instance_uid="1.1"), [system(found("a", "1.2"))])


def test_another_uid_does_not_pair_by_name():
    with pytest.raises(UsageError, match=r"1 image \(y/a\) not in the truth"):
        align(truths("x/a", sop_instance_uid="1.1"), [system(found("y/a", "1.2"))])


def test_two_images_of_a_system_that_are_one_are_refused():
    with pytest.raises(ReadError, match="found b and a, which are one"):
        align(truths("a", sop_instance_uid="1.1"), [system(found("b", "1.1"), found("a"))])


@pytest.mark.parametrize(
    "twice", [truths("a", "./a"), truths("a", "b", sop_instance_uid="1.1")], ids=["path", "SOPInstanceUID"]
)
def test_a_truth_that_lists_an_image_twice_is_refused(twice):
    with pytest.raises(ReadError, match="each image once in the truth"):
        align(twice, [system("a", "b")])


def test_missing_images_are_named_and_counted():
    with pytest.raises(UsageError) as caught:
        align(truths("a", "b", "c", "d", "e", "f"), [system("a")])
    assert str(caught.value) == (
        "theirs.csv: expected the 6 images of the truth, by SOPInstanceUID, path or file name, "
        "found 5 images (b, c, d and 2 others) not listed; "
        "where nothing was found, say so (CSV: a row with the image alone; COCO: an entry in images), or "
        "--unmatched empty counts them as nothing found, --unmatched common leaves them out for all systems"
    )


def test_findings_say_what_was_read_and_what_failed():
    with pytest.raises(
        UsageError, match=r"found 2 images \(b, c\) not listed, 1 of which the system failed on; --unmatched"
    ):
        align(truths("a", "b", "c"), [system("a", failed=["x/c", "notes.txt"], detector=DETECTOR)])


def test_images_of_other_splits_are_passed_over():
    aligned = align(truths("a"), [system("a", "b")], truths("b", "c"))
    assert (paired(aligned), aligned.remarks) == ([{"a": "a"}], ())


def test_an_image_of_another_split_is_not_paired_by_its_name():
    with pytest.raises(UsageError, match=r"L\.png, one of 1 of its name here and of 2 in the truth"):
        align(truths("p1/L.png"), [system("L.png")], truths("p2/L.png"))


def test_empty_counts_missing_images_as_nothing_found():
    theirs, ours = system("a"), system("a", failed=["b"], name="ours", detector=DETECTOR)
    aligned = align(truths("a", "b", "c"), [theirs, ours], unmatched="empty")
    assert [[len(image.marks) for image in images] for images in aligned.found] == [[1, 0, 0], [1, 0, 0]]
    assert aligned.found[0][1].clusters is None
    assert len(aligned.found[1][1].clusters) == 0
    assert aligned.remarks == (
        "2 images that theirs does not list: taken as read, with nothing found.",
        "2 images that ours does not list, 1 of which it failed on: taken as read, with nothing found.",
    )


def test_empty_does_not_excuse_images_without_truth():
    with pytest.raises(UsageError, match=r"found 1 image \(x\) not in the truth; take out what has no truth"):
        align(truths("a", "b"), [system("a", "x")], unmatched="empty")


def test_common_leaves_the_same_images_out_for_all():
    theirs, ours = system("a", "b", "x"), system("b", "c", failed=["a"], name="ours", detector=DETECTOR)
    aligned = align(truths("a", "b", "c"), [theirs, ours], unmatched="common")
    assert paired(aligned) == [{"b": "b"}, {"b": "b"}]
    assert aligned.remarks == (
        "2 images of 3 left out for all systems: not every file lists them.",
        "theirs does not list 1 image of 3.",
        "theirs lists 1 image without truth: left out.",
        "ours does not list 1 image of 3, 1 of which it failed on.",
    )


def test_nothing_in_common_is_refused():
    with pytest.raises(UsageError, match="no image is in all files"):
        align(truths("a", "b"), [system("a"), system("b")], unmatched="common")


@pytest.mark.parametrize("unmatched", ["fail", "empty", "common"])
def test_pseudonymised_findings_match_nothing_and_say_so(unmatched):
    hashes = system(f"sha256-{'0' * 24}", name="ours", detector=DETECTOR)
    with pytest.raises(UsageError, match="hashes match nothing: detect without --pseudonymise"):
        align(truths("a"), [hashes], unmatched=unmatched)


@pytest.mark.parametrize("unmatched", ["fail", "empty", "common"])
def test_paths_that_match_nothing_ask_for_the_truth_s_root(unmatched):
    with pytest.raises(UsageError, match="give paths relative to the truth's root"):
        align(truths("a"), [system("b")], unmatched=unmatched)


def test_sizes_are_compared():
    with pytest.raises(ReadError, match=r"theirs\.csv: expected a of 20 rows and 10 columns"):
        align(truths("a", rows=20, columns=10), [system(found("a", shape=(10, 20)))])


@settings(max_examples=50, deadline=None)
@given(data=st.data(), folders=st.lists(st.sampled_from(["p1", "p2", "x/y"]), min_size=1, unique=True))
def test_the_order_of_a_system_s_images_does_not_matter(data, folders):
    paths = [f"{folder}/{name}" for folder in folders for name in ("L.png", f"{folder[-1]}.png")]
    listed = data.draw(st.permutations(paths))
    assert paired(align(truths(*paths), [system(*listed)])) == [{path: path for path in paths}]
