import sys

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.explain.job import explain
from microcalc.explain.records import Explanation

THREE = {
    "patches": {
        "protocol": "terrassin512",
        "classes": [
            {"name": "bright", "labels": ["normal"]},
            {"name": "benign", "labels": ["benign"]},
            {"name": "malignant", "labels": ["malignant"]},
        ],
        "targets": [{"name": "calcified", "classes": ["benign", "malignant"]}],
    },
}


def blob_is_at(xy, toy, within):
    return max(abs(xy[0] - toy.blob[0]), abs(xy[1] - toy.blob[1])) <= within


@pytest.mark.parametrize("method", ["gradcam", "gradcam++"])
def test_the_map_peaks_on_the_bright_spot(package, breast, toy, method):
    # The blob lies 6 to the right and 4 below the spot. Cells of the map are 4 px: its centre is at most 2 px off, and
    # the network reads a cell at its first pixel, up to 2 px more.
    found = explain(breast, (84, 206), model=package, method=method, pitch_mm=0.1)
    for_bright, against = found.explanation.evidence.maps
    assert (for_bright.role, for_bright.class_name, against.class_name) == ("for", "bright", "dark")
    assert blob_is_at(for_bright.peak, toy, 4)
    assert 0 < for_bright.standing_out < 0.3
    # Nothing speaks for dark in this network.
    assert (against.peak, against.standing_out) == (None, 0.0)
    assert found.maps["for"].shape == (32, 32)
    assert found.maps["for"].max() == 1


def test_the_peak_comes_back_from_a_shrunk_and_resized_patch(breast, tmp_path, toy):
    # 0.05 to 0.1 mm, and 32 pixels of that fed as 48: a cell of 4 of those is 5.3 pixels of the image.
    resized = {"input": {"size_px": 32, "resize_px": 48, "normalisation": "none"}}
    package = toy.package(tmp_path / "package", spacing_mm=0.1, **resized)
    explanation = explain(breast, (80, 214), model=package.path, pitch_mm=0.05).explanation
    assert blob_is_at(explanation.evidence.maps[0].peak, toy, 6)
    assert (explanation.patch.size_px, explanation.patch.network_px, explanation.patch.spacing_mm) == (32, 48, 0.1)
    x0, y0, x1, y1 = explanation.patch.bbox
    assert (x1 - x0, y1 - y0) == (64, 64)


def test_brightness_is_scored_and_the_score_is_calibrated(package, breast):
    # Logits are 5 mean - 2 and 0 over 8 x 8 cells, of about 0.3 far from the blob: the sigmoid of -0.5 is 0.378, the
    # noise moves it by less than 0.01. Platt's 4 s - 2 makes it the sigmoid of -0.49, 0.380.
    opinion = explain(breast, (60, 120), model=package, pitch_mm=0.1).explanation.opinion
    assert opinion.classes["bright"] == pytest.approx(0.378, abs=0.01)
    assert opinion.score == pytest.approx(0.380, abs=0.01)
    assert sum(opinion.classes.values()) == pytest.approx(1)
    assert opinion.probability.value == opinion.score
    assert opinion.probability.alike.patches == 20


def test_another_layer_gives_other_maps(package, breast):
    last, first = (explain(breast, (84, 206), model=package, layer=layer, pitch_mm=0.1) for layer in (None, "conv1"))
    assert first.explanation.evidence.layer == "conv1"
    assert not np.array_equal(first.maps["for"], last.maps["for"])
    with pytest.raises(UsageError, match="a layer of the network"):
        explain(breast, (84, 206), model=package, layer="nowhere", pitch_mm=0.1)


def test_of_three_classes_the_likeliest_on_each_side_is_shown(breast, tmp_path, toy):
    # Logits are 0, 5 mean - 2 and 0. The mean is about 0.3, and the blob adds 0.6 2 pi 2.5^2 / 32^2 = 0.02: -0.4 for
    # benign, so that malignant is the likelier of the two that are asked for.
    package = toy.package(tmp_path / "package", **THREE)
    explanation = explain(breast, toy.blob, model=package.path, pitch_mm=0.1).explanation
    shown = [(it.role, it.class_name) for it in explanation.evidence.maps]
    assert shown == [("for", "malignant"), ("against", "bright")]
    assert explanation.model.classes == ("benign", "malignant")


def test_it_is_the_same_each_time_and_survives_its_json(package, breast, tmp_path):
    first, second = (explain(breast, (84, 206), model=package).explanation for _ in range(2))
    assert first.model_copy(update={"run": second.run}) == second
    (tmp_path / "explain.json").write_text(first.to_json())
    assert Explanation.from_json(tmp_path / "explain.json") == first
    assert first.image.name == breast.name


def test_no_folder_is_named(package, breast):
    assert str(breast.parent) not in explain(breast, (84, 206), model=package).explanation.to_json()


def test_without_a_model_the_error_says_how_to_get_one(breast):
    with pytest.raises(UsageError, match=r"no --model; train one \(microcalc train RECIPE\) or import one"):
        explain(breast, (84, 206))


def test_a_package_of_another_kind_is_refused(breast):
    with pytest.raises(
        UsageError, match=r"patch-classifier: none comes .* of the kind cascade, which judges whole mammograms; train"
    ):
        explain(breast, (84, 206), model="cortina2022-cascade")


def test_without_torch_the_error_names_the_extra(package, breast, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("microcalc.models.torch", "microcalc.models.net"))]:
        if name != "microcalc.models.network_package":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=r'expected the package torch, found none; .*"microcalc\[train\]"'):
        explain(breast, (84, 206), model=package)


def test_what_is_odd_about_the_image_is_told(breast, package, tmp_path):
    from PIL import Image

    Image.fromarray(65535 - np.array(Image.open(breast))).save(tmp_path / "a_L_CC.png")
    explanation = explain(tmp_path / "a_L_CC.png", (84, 206), model=package).explanation
    assert any("inverted" in doubt for doubt in explanation.doubts)
