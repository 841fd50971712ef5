from types import SimpleNamespace

import numpy as np

from microcalc.patches.patch import Patch
from microcalc.training.parts import Part
from microcalc.training.patch_strata import age_strata, snr_strata
from microcalc.truth import Ignored, ImageTruth, TrueCalcification


def part_of(places, truths):
    """A part of patches of 16 px at places (image, x0, y0)."""
    patches = tuple(Patch(image, x, y, 16, "normal", "made up") for image, x, y in places)
    store = SimpleNamespace(patches=patches, truths={truth.path: truth for truth in truths})
    return Part(store, np.arange(len(patches)), np.zeros(len(patches), np.intp), "test")


def marks(*known):
    return tuple(TrueCalcification(x=x, y=y, snr=snr) for x, y, snr in known)


def test_positives_by_their_best_visible_calcification():
    image = ImageTruth(
        path="a.png",
        spacing_mm=(0.07, 0.07),
        # The last is to be ignored, the one at 15.5 belongs to the patch that begins there.
        calcifications=marks((5, 5, 4.0), (6, 6, 9.0), (15.5, 5, 6.0), (10, 10, 30.0)),
        ignore=(Ignored(bbox=(9, 9, 11, 11)),),
    )
    other = ImageTruth(path="b.png", calcifications=(TrueCalcification(x=8, y=8),))
    part = part_of(
        [("a.png", 0, 0), ("a.png", 16, 0), ("a.png", 50, 50), ("b.png", 0, 0), ("c.png", 0, 0)], [image, other]
    )
    positive = np.array([True, True, False, True, False])
    found = [(stratum.name, stratum.positions.tolist()) for stratum in snr_strata(part, positive)]
    # Patches 2 and 4 are negative, and in every band; of patch 3 the SNR is not known.
    assert found == [("5 to 8", [1, 2, 4]), ("8 to 12", [0, 2, 4]), ("unknown", [2, 3, 4])]


def test_without_any_snr_there_are_no_bands():
    part = part_of([("a.png", 0, 0), ("a.png", 20, 0)], [ImageTruth(path="a.png", calcifications=())])
    assert list(snr_strata(part, np.array([True, False]))) == []


def test_the_age_groups_of_the_paper():
    # 45.9 years is an age of 45; 30 and 76 are in no group, and of d nobody knows.
    ages = {"a": 45.9, "b": 46.0, "c": 30.0, "d": None, "e": 75.5, "f": 76.0}
    truths = [ImageTruth(path=name, age=age) for name, age in ages.items()]
    part = part_of([(name, 0, 0) for name in ages], truths)
    assert [(it.name, it.positions.tolist()) for it in age_strata(part)] == [
        ("31–45", [0]),
        ("46–60", [1]),
        ("61–75", [4]),
    ]
