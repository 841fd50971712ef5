"""The demo's score, worked by hand."""

from microcalc.demo import DemoResult, score_demo
from microcalc.findings import Calcification, Cluster, DetectorInfo, ImageFindings, Report, RunInfo
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster, Truth

DETECTOR = DetectorInfo(name="d", version="1", operating_point="p", threshold=0.5, score_floor=0.1, calibrated=False)
RUN = RunInfo(microcalc="0", device="cpu", started="2026-01-01T00:00:00+00:00", seconds=0.0)


def image(path, marks, members=()):
    clusters = ()
    if members:
        clusters = (
            Cluster(
                members=members, bbox=(0, 0, 99, 99), count=len(members), area_mm2=1.0,
                density_per_cm2=1.0, distribution="grouped", score=0.5,
            ),
        )  # fmt: skip
    return ImageFindings(
        path=path, rows=1000, columns=1000, spacing_mm=(0.07, 0.07), spacing_source="user", seconds=0.0,
        calcifications=tuple(Calcification(x=x, y=y, score=s) for x, y, s in marks), clusters=clusters,
    )  # fmt: skip


def test_hits_false_marks_and_clusters_are_counted():
    specks = tuple(TrueCalcification(x=x, y=100) for x in (100, 200, 300))
    truth = Truth(
        root=".",
        images=(
            ImageTruth(
                path="a", calcifications=specks, clusters=(TrueCluster(bbox=(99, 99, 301, 101), members=(0, 1)),)
            ),
            ImageTruth(
                path="b", calcifications=specks, clusters=(TrueCluster(bbox=(99, 99, 301, 101), members=(0, 1)),)
            ),
        ),
    )
    found = Report(
        root=".",
        detector=DETECTOR,
        run=RUN,
        images=(
            # The first speck hit from within a cluster, the third below the threshold, one false mark.
            image("a", [(100, 100, 0.9), (700, 700, 0.8), (300, 100, 0.4)], members=(0, 1)),
            # The second speck hit, but by a mark outside any cluster.
            image("b", [(200, 100, 0.9)]),
        ),
    )
    assert score_demo(found, truth) == DemoResult(
        found, calcifications=6, hits=2, false_positives=1, clusters=2, clusters_found=1
    )
