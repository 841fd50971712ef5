"""Clusters: who belongs, what it scores, how it is described."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from microcalc.clusters import ClusterRule, describe, find_clusters, hull_mm
from microcalc.findings import Calcification, ImageFindings

SPACING = (0.1, 0.1)
SHAPE = (2000, 2000)


def marks(points, scores=0.9, diameter_mm=0.4):
    """Calcifications at points in mm, for a spacing of 0.1 mm."""
    scores = np.broadcast_to(scores, len(points))
    return [
        Calcification(x=10 * x, y=10 * y, score=s, diameter_mm=diameter_mm)
        for (x, y), s in zip(points, scores, strict=True)
    ]


CROSS = [(50, 50), (52, 50), (48, 50), (50, 52), (50, 48)]


def test_five_marks_within_a_square_centimetre_are_a_cluster_and_four_are_not():
    assert len(find_clusters(marks(CROSS), SPACING, SHAPE)) == 1
    assert find_clusters(marks(CROSS[:4]), SPACING, SHAPE) == ()


def test_only_marks_at_or_above_the_threshold_form_clusters():
    five = marks(CROSS, scores=[0.5, 0.5, 0.5, 0.5, 0.49])
    assert find_clusters(five, SPACING, SHAPE, threshold=0.5) == ()
    assert find_clusters(five, SPACING, SHAPE, threshold=0.49)[0].count == 5


def test_members_index_the_marks_as_given():
    with_strays = [*marks([(150, 150)]), *marks(CROSS), *marks([(10, 150)])]
    (cluster,) = find_clusters(with_strays, SPACING, SHAPE)
    assert cluster.members == (1, 2, 3, 4, 5)


def test_the_radius_is_inclusive_and_neighbours_of_a_core_belong():
    # Only the centre has four others within 5 mm; each tip lies exactly 5 mm away and sees only the centre.
    star = [(50, 50), (55, 50), (45, 50), (50, 55), (50, 45)]
    assert find_clusters(marks(star), SPACING, SHAPE, rule=ClusterRule(radius_mm=5.0))[0].count == 5
    assert find_clusters(marks(star), SPACING, SHAPE, rule=ClusterRule(radius_mm=4.99)) == ()


def test_a_chain_of_single_marks_does_not_percolate():
    chain = [(20 + 3 * i, 50) for i in range(40)]  # each has at most two others within 5.64 mm
    assert find_clusters(marks(chain), SPACING, SHAPE) == ()


@pytest.mark.parametrize("seed", range(5))
def test_cores_and_components_agree_with_scikit_learn(seed):
    from sklearn.cluster import DBSCAN

    points = np.random.default_rng(seed).uniform(0, 60, (80, 2))
    witness = DBSCAN(eps=5.64, min_samples=5).fit(points)
    found = [set(cluster.members) for cluster in find_clusters(marks(points), SPACING, SHAPE)]
    cores = set(witness.core_sample_indices_.tolist())
    expected = []
    for label in range(witness.labels_.max() + 1):
        ours = [c for c in cores if witness.labels_[c] == label]
        near = (cdist(points[ours], points) <= 5.64).any(axis=0)  # scikit-learn gives a mark between two to one alone
        expected.append(set(np.flatnonzero(near).tolist()))
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))


def test_a_mark_between_two_clusters_belongs_to_both():
    left, shared, right = [(20, 20), (17, 22), (17, 18)], [(25.5, 20), (25.5, 20.5)], [(31, 20), (34, 22), (34, 18)]
    found = find_clusters(marks([*left, *shared, *right]), SPACING, SHAPE)
    assert sorted(cluster.members for cluster in found) == [(0, 1, 2, 3, 4), (3, 4, 5, 6, 7)]
    assert [cluster.score for cluster in found] == [0.9, 0.9]


@pytest.mark.parametrize("seed", range(8))
def test_on_random_marks_a_cluster_lives_up_to_its_score(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 105, (140, 2))
    scored = marks(points, scores=rng.random(140))
    for cluster in find_clusters(scored, SPACING, SHAPE, threshold=0.2):
        assert cluster.count >= 5
        at_score = find_clusters(scored, SPACING, SHAPE, threshold=cluster.score)
        assert any(set(left.members) & set(cluster.members) for left in at_score)
        above = find_clusters([scored[m] for m in cluster.members], SPACING, SHAPE, threshold=cluster.score + 1e-9)
        assert above == ()


def test_the_score_is_the_highest_threshold_at_which_it_remains_a_cluster():
    six = marks([*CROSS, (51, 51)], scores=[0.95, 0.9, 0.8, 0.7, 0.6, 0.3])
    (cluster,) = find_clusters(six, SPACING, SHAPE, threshold=0.2)
    assert cluster.score == 0.6  # the fifth best of those that make it
    assert len(find_clusters(six, SPACING, SHAPE, threshold=cluster.score)) == 1
    assert find_clusters(six, SPACING, SHAPE, threshold=cluster.score + 1e-6) == ()


def test_clusters_come_best_first():
    shifted = [(x + 60, y) for x, y in CROSS]
    first, second = find_clusters([*marks(CROSS, 0.6), *marks(shifted, 0.8)], SPACING, SHAPE)
    assert (first.score, second.score) == (0.8, 0.6)


def test_area_is_the_hull_of_the_discs():
    # A 4 x 4 mm square of discs of 1 mm diameter: 16 + 4 sides x 4 x 0.5 + one whole disc of radius 0.5.
    square = [(50, 50), (54, 50), (54, 54), (50, 54), (52, 52)]
    (cluster,) = find_clusters(marks(square, diameter_mm=1.0), SPACING, SHAPE)
    assert cluster.area_mm2 == pytest.approx(16 + 8 + np.pi / 4, rel=1e-3)
    assert cluster.density_per_cm2 == pytest.approx(100 * 5 / cluster.area_mm2)


def test_the_box_lies_on_outer_pixel_edges_and_inside_the_image():
    (cluster,) = find_clusters(marks(CROSS, diameter_mm=0.4), SPACING, SHAPE)
    assert cluster.bbox == (477.5, 477.5, 522.5, 522.5)  # 480 - 2 px and 520 + 2 px, outer edges
    corner = [(0, 0), (2, 0), (0, 2), (1, 1), (2, 2)]
    assert find_clusters(marks(corner), SPACING, SHAPE)[0].bbox[:2] == (-0.5, -0.5)


def test_a_one_pixel_mark_without_diameter_has_a_one_pixel_hull_box():
    hull = hull_mm([Calcification(x=3, y=3, score=1.0)], SPACING)
    assert hull.min() / 0.1 == pytest.approx(2.5)
    assert hull.max() / 0.1 == pytest.approx(3.5)


def test_anisotropic_pixels_are_measured_in_mm():
    # 4 mm apart both ways: 40 columns of 0.1 mm, 20 rows of 0.2 mm.
    points = [(500, 250), (540, 250), (500, 270), (540, 270), (520, 260)]
    found = [Calcification(x=x, y=y, score=0.9, diameter_mm=0.4) for x, y in points]
    (cluster,) = find_clusters(found, (0.2, 0.1), SHAPE)
    assert cluster.area_mm2 == pytest.approx(16 + 4 * 4 * 0.2 + np.pi * 0.04, rel=1e-3)


def rectangle(width, height, n=60, angle=0.0):
    """Points spread evenly over a rectangle (mm), turned by an angle (degrees), centred on (100, 100)."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.5, 0.5, (n, 2)) * (width, height)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return points @ np.array([[c, s], [-s, c]]) + 100


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (rectangle(10, 8), "grouped"),
        (rectangle(14, 1.5), "linear"),
        (rectangle(30, 3), "linear"),
        (rectangle(28, 24), "regional"),
        (rectangle(40, 16), "segmental"),  # points at the nipple
        (rectangle(40, 16, angle=90), "regional"),  # points past it
        (rectangle(60, 50, n=600), "diffuse"),
    ],
)
def test_distribution(points, expected):
    found = find_clusters(marks(points), SPACING, SHAPE, nipple=(1800, 1000), breast_area_cm2=80.0)
    assert [cluster.distribution for cluster in found] == [expected]


def test_without_nipple_or_breast_area_nothing_is_called_segmental_or_diffuse():
    for points in (rectangle(40, 16), rectangle(60, 50, n=600)):
        (cluster,) = find_clusters(marks(points), SPACING, SHAPE)
        assert cluster.distribution == "regional"


def test_descriptors_by_hand():
    five = [
        *marks([(50, 50), (53, 50)], diameter_mm=0.2),
        *marks([(50, 54), (53, 54), (51.5, 52)], diameter_mm=0.4),
    ]
    (cluster,) = find_clusters(five, SPACING, SHAPE)
    image = ImageFindings(
        path="a", rows=2000, columns=2000, spacing_mm=SPACING, spacing_source="user", seconds=0,
        calcifications=tuple(five), clusters=(cluster,),
    )  # fmt: skip
    described = describe(cluster, image)
    assert described.mean_diameter_mm == pytest.approx(0.32)
    assert described.sd_diameter_mm == pytest.approx(np.std([0.2, 0.2, 0.4, 0.4, 0.4]))
    assert described.nearest_neighbour_mm == pytest.approx(2.5)  # every corner to the centre and back
    assert described.extent_mm == pytest.approx(5 + 0.1 + 0.2, rel=1e-3)  # the diagonal and the two radii
    assert described.elongation == pytest.approx(4 / 3)


def test_many_marks_are_handled_in_little_memory():
    points = np.random.default_rng(1).uniform(0, 190, (20_000, 2))
    found = find_clusters(marks(points, scores=np.linspace(0, 1, 20_000)), SPACING, SHAPE, threshold=0.5)
    assert sum(cluster.count for cluster in found) <= 10_000
    assert found
