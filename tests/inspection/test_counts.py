from pathlib import Path

from microcalc.datasets import Facts, OtherFinding, Record
from microcalc.inspection import Count, InspectedImage
from microcalc.inspection.counts import count_all
from microcalc.truth import ImageTruth

MASS = OtherFinding(kind="mass", bbox=(0, 0, 1, 1), pathology="malignant")


def test_images_patients_and_findings_by_what_they_are():
    """p1 has two images in train, p2 one in test, and one image is of nobody known."""
    records = [
        Record(
            Path("a"),
            ImageTruth(
                path="a",
                patient="p1",
                split="train",
                side="L",
                calcifications=[{"x": 1, "y": 1, "pathology": "benign"}] * 3,
            ),
            Facts(others=(MASS,)),
        ),
        Record(Path("b"), ImageTruth(path="b", patient="p1", split="train", side="R", normal=True)),
        Record(Path("c"), ImageTruth(path="c", patient="p2", split="test", side="L"), Facts(others=(MASS, MASS))),
        Record(Path("d"), ImageTruth(path="d"), Facts(pathology="benign")),
    ]
    images = [
        InspectedImage(path="a", spacing_mm=(0.07, 0.07), spacing_source="header"),
        InspectedImage(path="b", spacing_mm=(0.07, 0.07), spacing_source="dataset"),
        InspectedImage(path="c", spacing_mm=(0.1, 0.2), spacing_source="dataset"),
        InspectedImage(path="d"),
    ]
    counts = count_all(records, images)
    assert counts["side"] == (
        Count(value="L", images=2, patients=2, by_split={"test": 1, "train": 1}),
        Count(value="R", images=1, patients=1, by_split={"train": 1}),
        Count(value="not stated", images=1, patients=0, by_split={"not stated": 1}),
    )
    assert [(c.value, c.images, c.findings) for c in counts["class"]] == [
        ("mass", 2, 3),
        ("calcification", 1, 3),
        ("no finding, not known to be normal", 1, 0),
        ("normal (free of calcifications)", 1, 0),
    ]
    assert [(c.value, c.images, c.findings) for c in counts["pathology"]] == [
        ("benign", 2, 3), ("malignant", 2, 3), ("not stated", 1, 0),
    ]  # fmt: skip
    assert [c.value for c in counts["spacing"]] == [
        "0.07 mm (dataset)", "0.07 mm (header)", "0.1 x 0.2 mm (dataset)", "unknown",
    ]  # fmt: skip
    assert [(c.value, c.images) for c in counts["split"]] == [("train", 2), ("not stated", 1), ("test", 1)]
