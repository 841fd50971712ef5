import pytest

from microcalc.datasets.cbis_ddsm_cases import Abnormality, Case
from microcalc.datasets.cbis_ddsm_truth import facts_of, joined, truth_of
from microcalc.datasets.headers import Stated
from microcalc.truth import Ignored, TrueCluster

NAME = "Calc-Training_P_00001_LEFT_CC"
STATED = Stated(100, 80, sop_instance_uid="1.2.3")
SPACING = (0.1, 0.1)


def square(x, y=0, side=10):
    """Of whole pixels, the first of them at x, y."""
    low_x, low_y, high_x, high_y = x - 0.5, y - 0.5, x + side - 0.5, y + side - 0.5
    return ((low_x, low_y), (high_x, low_y), (high_x, high_y), (low_x, high_y))


def abnormality(
    number=1, kind="calcification", pathology="benign", words=("fine pleomorphic", "grouped"), assessment="4"
):
    return Abnormality(f"{NAME}_{number}", kind, pathology, assessment, "3", words, ())


def case(*abnormalities):
    return Case(NAME, "1.3", "1.2", "P_00001", "L", "CC", "train", "B", abnormalities)


def truth(*abnormalities, outlines=None, join_mm=None):
    drawn = [square(20 * n) for n in range(len(abnormalities))] if outlines is None else outlines
    return truth_of(case(*abnormalities), "a.dcm", "train", STATED, drawn, SPACING, join_mm)


def cluster(x, y=0, *, pathology="benign", morphology="fine pleomorphic", distribution="grouped"):
    corners = square(x, y)
    box = (*corners[0], *corners[2])
    return TrueCluster(bbox=box, polygon=corners, pathology=pathology, morphology=morphology, distribution=distribution)


def test_a_region_of_calcifications_is_a_cluster():
    found = truth(abnormality(pathology="malignant"))
    assert found.clusters == (cluster(0, pathology="malignant"),)
    assert (found.calcifications, found.ignore, found.normal) == ((), (), False)
    assert (found.patient, found.study, found.side, found.view, found.split) == ("P_00001", "1.2", "L", "CC", "train")
    assert (found.rows, found.columns, found.spacing_mm, found.density) == (100, 80, SPACING, "B")


def test_a_single_calcification_is_a_cluster_without_distribution():
    (found,) = truth(abnormality(words=("fine linear branching", None))).clusters
    assert (found.distribution, found.members, found.morphology) == (None, None, "fine linear branching")


@pytest.mark.parametrize(
    ("kinds", "pathology", "ignored"),
    [
        ("vascular", "benign", True),
        ("round, lucent centre", "benign", True),
        ("skin, punctate", "benign", True),
        ("dystrophic", "unknown", True),
        ("vascular", "malignant", False),
        ("round", "benign", False),
        ("popcorn, fine pleomorphic", "benign", False),
        (None, "benign", False),
    ],
)
def test_what_is_typically_benign_is_no_target(kinds, pathology, ignored):
    found = truth(abnormality(pathology=pathology, words=(kinds, None)))
    (region,) = found.clusters
    same = Ignored(bbox=region.bbox, polygon=region.polygon, reason="typically benign")
    assert found.ignore == ((same,) if ignored else ())


def test_where_a_mask_is_missing_nothing_is_asked_for():
    found = truth(abnormality(1), abnormality(2), outlines=[square(0), None])
    assert len(found.clusters) == 1
    assert found.ignore == (Ignored(bbox=(-0.5, -0.5, 79.5, 99.5), reason="calcifications without a mask"),)


def test_an_image_with_a_mass_is_not_said_to_be_free_of_calcium():
    found = truth(abnormality(kind="mass"), outlines=[None])
    assert (found.normal, found.clusters, found.ignore) == (None, (), ())


def test_masses_and_assessments_are_facts():
    mass = abnormality(1, "mass", "benign", ("irregular", "spiculated"), "2")
    facts = facts_of(case(mass, abnormality(2, pathology="malignant")), [square(5, 6), square(40)], seen_twice=True)
    (other,) = facts.others
    assert (other.kind, other.bbox, other.polygon) == ("mass", (4.5, 5.5, 14.5, 15.5), square(5, 6))
    assert (other.pathology, other.assessment) == ("benign", "2")
    assert other.description == "shape irregular; margins spiculated"
    assert (facts.film, facts.assessment, facts.pathology) == (True, "4", "malignant")
    assert [remark[:37] for remark in facts.remarks] == [
        "abnormality 1: BI-RADS 2, subtlety 3 ",
        "abnormality 2: BI-RADS 4, subtlety 3 ",
        "the same view stands in both parts of",
    ]


def test_a_mass_without_a_mask_or_words():
    lost, bare = abnormality(1, "mass", words=("oval", None)), abnormality(2, "mass", words=(None, None))
    facts = facts_of(case(lost, bare), [None, square(0)], seen_twice=False)
    assert [other.description for other in facts.others] == [None]


# Columns 0 to 9 and 20 to 29: from 9 to 20 are 11 px of 0.1 mm.
@pytest.mark.parametrize(("gap", "left"), [(1.1, 1), (1.09, 2), (0.0, 2)])
def test_clusters_join_up_to_a_gap(gap, left):
    assert len(joined([cluster(0), cluster(20)], SPACING, gap)) == left


def test_a_joined_cluster_is_as_bad_as_the_worst_and_has_all_words():
    first = cluster(0, morphology="punctate, amorphous")
    second = cluster(20, pathology="malignant", morphology="amorphous", distribution="linear")
    (one,) = joined([first, second], SPACING, 1.1)
    assert one.bbox == (-0.5, -0.5, 29.5, 9.5)
    assert set(one.polygon) == {(-0.5, -0.5), (29.5, -0.5), (29.5, 9.5), (-0.5, 9.5)}
    assert (one.pathology, one.morphology) == ("malignant", "punctate, amorphous")
    assert one.distribution == "grouped, linear"


def test_a_chain_of_clusters_joins_and_the_others_stay_as_they_are():
    chain, apart = [cluster(0), cluster(20), cluster(40)], cluster(0, 60)
    assert [part.bbox for part in joined([*chain[:1], apart, *chain[1:]], SPACING, 1.1)] == [
        (-0.5, -0.5, 49.5, 9.5),
        apart.bbox,
    ]
    assert joined([], SPACING, 1.0) == []


def test_typically_benign_calcifications_join_nothing():
    kinds = abnormality(1), abnormality(2, words=("vascular", None)), abnormality(3)
    found = truth(*kinds, join_mm=1.1)
    assert [region.bbox[0] for region in found.clusters] == [-0.5, 39.5, 19.5]
    assert [region.bbox[0] for region in found.ignore] == [19.5]
