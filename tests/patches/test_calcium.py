from microcalc.patches.calcium import annotated, is_annotated, lesions, targets
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

SPACING = (0.1, 0.1)


def truth(**known):
    return ImageTruth(path="a.png", **known)


def mark(x, y, pathology=None):
    return TrueCalcification(x=x, y=y, pathology=pathology)


def pixels(lesion):
    return [(region.x0, region.y0) for region in lesion.regions]


def test_a_cluster_is_its_members_its_contents_or_its_outline():
    known = truth(
        calcifications=(mark(1, 1), mark(5, 5), mark(22, 22), mark(40, 40)),
        clusters=(
            TrueCluster(bbox=(0, 0, 30, 30), members=(0, 1)),
            TrueCluster(bbox=(20, 20, 25, 25)),  # (22, 22) lies in it
            TrueCluster(bbox=(50, 50, 52, 52)),  # nothing does
        ),
    )
    first, second, third, single = lesions(known, SPACING)
    assert pixels(first) == [(1, 1), (5, 5)]
    assert first.bounds.tolist() == [0.5, 0.5, 5.5, 5.5]
    assert pixels(second) == [(22, 22)]
    assert third.bounds.tolist() == [49.5, 49.5, 52.5, 52.5]
    assert [lesion.is_cluster for lesion in (first, second, third, single)] == [True, True, True, False]
    assert pixels(single) == [(40, 40)]


def test_the_pathology_of_a_cluster_is_stated_or_that_of_its_members():
    marks = (mark(1, 1, "benign"), mark(2, 2, "malignant"), mark(3, 3, "benign"), mark(4, 4))
    groups = ((0, 1), (0, 2), (0, 3), (3,))
    clusters = [TrueCluster(bbox=(0, 0, 9, 9), members=members) for members in groups]
    clusters.append(TrueCluster(bbox=(0, 0, 9, 9), members=(1,), pathology="benign"))
    found = lesions(truth(calcifications=marks, clusters=tuple(clusters)), SPACING)
    assert [lesion.pathology for lesion in found] == ["malignant", "benign", None, None, "benign"]


def test_targets_lie_outside_what_is_to_be_ignored():
    known = truth(calcifications=(mark(3, 3), mark(9, 9)), ignore=(Ignored(bbox=(7.5, 7.5, 10.5, 10.5)),))
    assert [(region.x0, region.y0) for region in targets(known, SPACING)] == [(3, 3)]
    assert len(annotated(known, SPACING)) == 2


def test_what_is_known_of_an_image():
    assert is_annotated(truth(normal=True))
    assert is_annotated(truth(calcifications=(mark(1, 1),)))
    assert is_annotated(truth(clusters=(TrueCluster(bbox=(0, 0, 1, 1)),)))
    assert not is_annotated(truth())
    assert not is_annotated(truth(normal=False))
