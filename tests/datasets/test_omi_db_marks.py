"""OMI-DB's marks by the four filters, as the library hands them out."""

import pytest

from microcalc.datasets.omi_db_marks import Filters, histology, marks_of

events = pytest.importorskip("omidb.events")
lesion = pytest.importorskip("omidb.lesion")
mark = pytest.importorskip("omidb.mark")

SHAPE = (300, 200)


def box(x1=20, y1=30, x2=60, y2=80, *, linked=("1",), **flags):
    return mark.Mark("7", mark.BoundingBox(x1, y1, x2, y2), None, set(linked), **flags)


def suspicious(*corners, **more):
    return box(*corners, suspicious_calcifications=True, **more)


def tissue(*, surgery=None, wide=None, fine=None, **of_wide):
    """A lesion with opinions on its tissue."""
    opinion = {name: events.Opinion[code] for name, code in (("s", surgery), ("w", wide), ("f", fine)) if code}
    return lesion.Lesion(
        "1",
        surgery=lesion.LesionSurgery(opinion=opinion["s"]) if surgery else None,
        biopsy_wide=lesion.LesionBiopsyWide(opinion=opinion.get("w"), **of_wide) if wide or of_wide else None,
        biopsy_fine=lesion.LesionBiopsyFine(opinion=opinion["f"]) if fine else None,
    )


MALIGNANT, BENIGN = tissue(wide="B5"), tissue(wide="B2")


def read(one, found=MALIGNANT, **filters):
    return marks_of([one], {} if found is None else {"1": found}, SHAPE, Filters(**filters))


# ---- histology


@pytest.mark.parametrize(
    ("of", "result"),
    [
        ({}, None),
        ({"fine": "C5"}, None),
        ({"wide": "B5"}, "malignant"),
        ({"wide": "B2"}, "benign"),
        ({"wide": "B3"}, "unknown"),
        ({"wide": "B1"}, "unknown"),
        ({"surgery": "H5", "wide": "B2"}, "malignant"),
        ({"surgery": "H2", "wide": "B5"}, "malignant"),
        ({"surgery": "H2", "wide": "B3"}, "benign"),
        ({"wide": "B3", "malignant_type": "a"}, "malignant"),
    ],
)
def test_histology_is_of_surgery_and_core_biopsy(of, result):
    if "malignant_type" in of:
        of["malignant_type"] = lesion.MalignancyType[of["malignant_type"]]
    assert histology(tissue(**of)) == result


# ---- what passes


def test_a_box_reaches_from_its_first_to_its_last_pixel():
    [cluster] = read(suspicious()).clusters
    assert (cluster.bbox, cluster.pathology) == ((19.5, 29.5, 60.5, 80.5), "malignant")


@pytest.mark.parametrize("corners", [(60, 30, 20, 80), (20, 80, 60, 30), (60, 80, 20, 30)])
def test_whichever_corners_are_given_the_box_is_the_same(corners):
    assert read(suspicious(*corners)).clusters == read(suspicious()).clusters


def test_the_result_of_the_tissue_is_the_class_of_the_box():
    assert [c.pathology for c in read(suspicious(), BENIGN).clusters] == ["benign"]


# ---- what does not: calcium is then ignored, never a negative

FAILS = [
    ("suspicious_alone", suspicious(mass=True), MALIGNANT, "suspicious calcifications with other abnormalities"),
    ("suspicious_alone", suspicious(vascular_feature=True), MALIGNANT, "suspicious calcifications with other"),
    ("linked", suspicious(linked=()), MALIGNANT, "suspicious calcifications without histology"),
    ("linked", suspicious(linked=("1", "2")), BENIGN, "suspicious calcifications without histology"),
    ("linked", suspicious(), None, "suspicious calcifications without histology"),
    ("linked", suspicious(), tissue(fine="C5"), "suspicious calcifications without histology"),
    ("proven", suspicious(), tissue(wide="B3"), "suspicious calcifications, neither malignant nor benign"),
    ("valid_boxes", suspicious(20, 30, 260, 80), MALIGNANT, "box that leaves the image"),
]


@pytest.mark.parametrize(("filter_", "one", "found", "reason"), FAILS, ids=lambda value: str(value)[:30])
def test_each_filter_alone_takes_a_mark_out_and_can_be_left_out(filter_, one, found, reason):
    kept = read(one, found)
    assert kept.clusters == ()
    assert all(part.reason.startswith(reason) for part in kept.ignore)
    assert kept.ignore
    # Without histology nothing is proven either.
    without = {filter_: False} | ({"proven": False} if filter_ == "linked" else {})
    assert len(read(one, found, **without).clusters) == 1


@pytest.mark.parametrize("found", [tissue(wide="B3"), None])
def test_what_is_not_proven_is_unknown(found):
    assert [c.pathology for c in read(suspicious(), found, linked=False, proven=False).clusters] == ["unknown"]


@pytest.mark.parametrize(
    ("flags", "morphology"),
    [
        ({"vascular_feature": True}, "vascular"),
        ({"other_benign_cluster": True, "benign_classification": "round_puncate"}, "round"),
        ({"benign_classification": "coarse"}, "popcorn"),
    ],
)
def test_benign_kinds_are_ignored_or_clusters_as_asked(flags, morphology):
    if "benign_classification" in flags:
        flags["benign_classification"] = mark.BenignClassification[flags["benign_classification"]]
    one = box(linked=(), **flags)
    assert [part.reason for part in read(one).ignore] == ["calcification of a benign kind"]
    [cluster] = read(one, benign_kinds=True).clusters
    assert (cluster.pathology, cluster.morphology) == ("benign", morphology)


@pytest.mark.parametrize("flags", [{}, {"calcifications": True, "mass": True}])
def test_what_may_hold_calcium_is_ignored(flags):
    assert [part.reason for part in read(box(**flags)).ignore] == ["mark that may be calcium"]


def test_masses_and_the_like_are_other_findings():
    found = read(box(mass=True, architectural_distortion=True), BENIGN)
    assert [(other.kind, other.pathology) for other in found.others] == [
        ("mass", "benign"),
        ("architectural distortion", "benign"),
    ]
    assert (found.clusters, found.ignore) == ((), ())


# ---- boxes in doubt


def test_a_box_with_x_and_y_exchanged_is_told_and_ignored_both_ways():
    # 250 is beyond the 200 columns, not beyond the 300 rows.
    found = read(suspicious(210, 30, 250, 80))
    assert [part.bbox for part in found.ignore] == [(29.5, 209.5, 80.5, 250.5)]
    assert found.remarks == ("mark 7: the box from 210, 30 to 250, 80, which would fit with x and y exchanged",)
    half = read(suspicious(150, 30, 250, 80))
    assert [part.bbox for part in half.ignore] == [(149.5, 29.5, 199.5, 80.5), (29.5, 149.5, 80.5, 250.5)]


def test_a_box_that_fits_neither_way_is_cut_off():
    found = read(suspicious(-5, 250, 40, 400), valid_boxes=False)
    assert [cluster.bbox for cluster in found.clusters] == [(-0.5, 249.5, 40.5, 299.5)]
    assert found.remarks == ("mark 7: the box from -5, 250 to 40, 400",)
