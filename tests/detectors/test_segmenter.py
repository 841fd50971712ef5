"""Detectors of networks that map images: with networks of one layer, whose maps are known."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import microcalc
from microcalc.detectors import load_detector
from microcalc.detectors.company import in_company
from microcalc.detectors.segmenter import Reading, propose, segmenter_detector
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.calibration import Platt
from microcalc.evaluation.polygons import area_and_centroid
from microcalc.mammogram import Mammogram
from microcalc.models import Card, load_package, write_package
from microcalc.models.runtime import Computation
from microcalc.models.segmenter import load_segmenter
from microcalc.recipe import load_recipe

FED = {"normalisation": "none", "multiple": 16, "tile_px": 64, "halo_px": 16}
#: Of each map: of 0.5 the probability is one half, of 0.6 it is 0.88.
STEEP = (20.0, -10.0)


def layer(*maps, classes=None):
    """The bytes of a network whose maps are ``slope * image + offset``, and whose classes' logits are constants."""
    slopes, offsets = np.array(maps, np.float32).T
    weights = [("slopes", slopes[:, None, None, None]), ("offsets", offsets)]
    nodes = [helper.make_node("Conv", ["images", "slopes", "offsets"], ["maps"])]
    outputs = [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", len(maps), "h", "w"])]
    if classes is not None:
        weights += [("nothing", np.zeros((1, len(classes)), np.float32)), ("classes_of", np.float32(classes))]
        nodes += [
            helper.make_node("GlobalMaxPool", ["images"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "nothing", "classes_of"], ["classes"]),
        ]
        outputs += [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", len(classes)])]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        outputs,
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def judging_by_brightness():
    """The bytes of a network whose class follows from the brightest pixel of the tile: malignant from 0.8 on."""
    network = onnx.load_from_string(layer(STEEP, STEEP, classes=(0.0, 0.0, -80.0)))
    (nothing,) = (one for one in network.graph.initializer if one.name == "nothing")
    nothing.CopyFrom(numpy_helper.from_array(np.float32([[0, 0, 100]]), "nothing"))
    return network.SerializeToString()


@pytest.fixture
def written(card, tmp_path):
    """Writes the package of a network, its card changed; returns it."""

    def write(network, of="microcalc-default", **changes):
        made = load_recipe(of)
        if of == "microcalc-default":
            made = made.with_changes({"company": {"above": 0.3}})
        values = json.loads(card.model_dump_json(by_alias=True))
        values |= {
            "kind": made.kind,
            "recipe": made.as_written(),
            "input": {"spacing_mm": 0.07, "proposer": None, "segmentation": FED},
            "score_floor": 0.3,
            "calibrated": False,
            "calibration": None,
        }
        return write_package(tmp_path / "segmenter", Card.model_validate(values | changes), {"model.onnx": network})

    return write


@pytest.fixture
def dots():
    """One calcification of 3 x 3 pixels in an even breast of 0.07 mm pixels, and where: x 100, y 120."""

    def draw(side="L", per_px=1, spacing_mm=0.07):
        y, x = np.mgrid[:260, :200]
        image = np.where((x / 190) ** 2 + ((y - 130) / 120) ** 2 < 1, 0.4, 0.0)
        image += 0.002 * np.random.default_rng(0).standard_normal(image.shape)
        image[119:122, 99:102] = 0.6
        image = np.kron(np.clip(image, 0, 1), np.ones((per_px, per_px))).astype(np.float32)
        image = np.ascontiguousarray(image[:, ::-1] if side == "R" else image)
        return Mammogram(image, spacing_mm=(spacing_mm,) * 2, spacing_source="user", side=side, view="CC")

    return draw


def marks_of(package, mammogram):
    detector = segmenter_detector(package, Computation())
    return detector.detect(mammogram, detector.operating_point()).findings.calcifications


def test_it_is_what_the_card_says(written, card):
    package = written(layer(STEEP))
    detector = segmenter_detector(package, Computation())
    info = detector.info(detector.operating_point("specific"))
    assert (info.name, info.version, info.package_sha256) == ("speck-cascade", "3", package.sha256)
    assert (info.threshold, info.score_floor, info.calibrated) == (0.6, 0.3, False)
    assert (detector.working_spacing_mm, detector.trained_spacing_mm) == (0.07, card.training.coarsest_spacing_mm)
    assert [detector.device(name) for name in ("auto", "cpu")] == ["cpu", "cpu"]


@pytest.mark.parametrize("side", ["L", "R"])
def test_specks_are_found_where_they_are(written, look_for_dots, side):
    detector = segmenter_detector(written(layer(STEEP)), Computation())
    assert (look_for_dots(detector, side) < 1).all()


@pytest.mark.parametrize("side", ["L", "R"])
def test_outlines_come_back_in_pixels_of_the_original(written, dots, side):
    """3 x 3 pixels around (100, 120), in the right breast (200 columns) around (99, 120).

    The breast is 0.4: exp(-2) to one, half of what 0.6 is above it; so the rim is that of the square.
    """
    (mark,) = marks_of(written(layer(STEEP)), dots(side))
    x = 100 if side == "L" else 99
    assert (mark.x, mark.y) == (x, 120)
    assert mark.diameter_mm == pytest.approx(2 * np.sqrt(9 / np.pi) * 0.07, abs=5e-4)
    corners = {(x + dx, 120 + dy) for dx in (-1.5, 1.5) for dy in (-1.5, 1.5)}
    assert set(mark.polygon) == corners


def test_outlines_come_back_from_a_coarser_working_image(written, dots):
    """The same picture with every pixel four times, at half the pitch: centre 2 x + 0.5, lengths in pixels twice.

    The breast is cropped from an odd row on: a working pixel above the square and one below are half in it, are 0.5,
    and so 3 x 4 pixels are above half: 6 x 8 of the original.
    """
    (mark,) = marks_of(written(layer(STEEP)), dots(per_px=2, spacing_mm=0.035))
    assert (mark.x, mark.y) == pytest.approx((200.5, 240.5), abs=0.02)
    assert mark.diameter_mm == pytest.approx(2 * np.sqrt(12 / np.pi) * 0.07, abs=5e-4)
    assert area_and_centroid(np.array(mark.polygon)) == (48, 200.5, 240.5)


def test_scores_are_calibrated_and_none_above_the_floor_is_missed(written, specks):
    image, breast, _ = specks
    segmenter = load_segmenter(written(layer(STEEP)))
    calibration = Platt(slope=8.0, intercept=-6.0)
    all_found = propose(segmenter, Reading(None, None, 1e-3, judging=False), image, breast, 0.07)
    scores = calibration(all_found.scores)
    found = propose(segmenter, Reading(calibration, None, 0.02, judging=False), image, breast, 0.07)
    listed = found.scores >= 0.02
    np.testing.assert_allclose(found.scores[listed], scores[scores >= 0.02])
    assert 10 < np.count_nonzero(listed) < len(scores)
    assert (np.diff(found.scores) <= 0).all()
    assert found.malignancy is None


def test_company_raises_what_is_then_calibrated(written, specks):
    image, breast, _ = specks
    package = written(layer(STEEP))
    company = package.card.load_recipe().company
    segmenter, calibration = load_segmenter(package), Platt(slope=8.0, intercept=-6.0)
    alone = propose(segmenter, Reading(None, None, company.above, judging=False), image, breast, 0.07)
    found = propose(segmenter, Reading(calibration, company, 0.0, judging=False), image, breast, 0.07)
    raised = calibration(in_company(alone.centres, alone.scores, 0.07, company))
    np.testing.assert_allclose(found.scores, np.sort(raised)[::-1])
    assert len(found.scores) > 10


def test_at_the_pixels_own_pitch(written, dots):
    package = written(layer(STEEP), input={"spacing_mm": "native", "proposer": None, "segmentation": FED})
    (mark,) = marks_of(package, dots(per_px=2, spacing_mm=0.05))
    assert (mark.x, mark.y) == (200.5, 240.5)
    assert mark.diameter_mm == pytest.approx(2 * np.sqrt(36 / np.pi) * 0.05, abs=5e-4)


@pytest.mark.parametrize(
    ("card_says", "maps", "malignancy"),
    [
        ("experimental", ((0, -40), STEEP), (1 + 0.75) / 2),
        ("experimental", (STEEP, (0, -40)), (0 + 0.75) / 2),
        ("experimental", (STEEP, STEEP), (0.5 + 0.75) / 2),
        (None, ((0, -40), STEEP), None),
    ],
)
def test_malignancy_is_the_mean_of_both_tasks(written, dots, card_says, maps, malignancy):
    """Of its classes the tile is malignant three times as likely as benign; of the maps only one shows the speck."""
    network = layer(*maps, classes=(1.0, 0.0, np.log(3)))
    package = written(network, "terrassin2024-mutmus-unet3plus", malignancy=card_says)
    (mark,) = marks_of(package, dots())
    assert mark.malignancy == (None if malignancy is None else pytest.approx(malignancy, abs=1e-6))


def test_each_calcification_is_judged_by_the_tile_it_lies_in(written):
    """The one is 1, malignant for its tile, the other 0.6."""
    segmenter = load_segmenter(written(judging_by_brightness(), "terrassin2024-mutmus-unet3plus"))
    image = np.full((64, 256), 0.3, np.float32)
    image[20, 20], image[40, 200] = 0.6, 1.0
    found = propose(segmenter, Reading(None, None, 0.3, judging=True), image, np.ones(image.shape, bool), 0.07)
    assert np.rint(found.centres).tolist() == [[200, 40], [20, 20]]
    np.testing.assert_allclose(found.malignancy, [(0.5 + 1) / 2, (0.5 + 0) / 2], atol=1e-6)


def test_a_bent_one_is_judged_by_the_tile_nearest_to_its_centre(written):
    """An angle along row 126 and column 66 around a corner of tiles; its centre lies off the breast, near (61, 131).

    Nearest to that is the tile from (64, 128) on, 3 px away; the first tile of all holds nothing bright.
    """
    segmenter = load_segmenter(written(judging_by_brightness(), "terrassin2024-mutmus-unet3plus"))
    image = np.full((192, 128), 0.3, np.float32)
    image[126, 46:67] = np.linspace(0.9, 1, 21)
    image[126:147, 66] = np.linspace(1, 0.9, 21)
    breast = image > 0.5
    breast[:16, :16] = True
    found = propose(segmenter, Reading(None, None, 0.3, judging=True), image, breast, 0.02)
    assert np.rint(found.centres).tolist() == [[61, 131]]
    np.testing.assert_allclose(found.malignancy, [(0.5 + 1) / 2], atol=1e-6)


def test_nothing_is_found_and_judged_without_a_breast(written):
    package = written(layer(STEEP, STEEP, classes=(0.0, 0.0, 0.0)), "terrassin2024-mutmus-unet3plus")
    image = np.ones((40, 30), np.float32)
    reading = Reading(None, None, 0.3, judging=True)
    found = propose(load_segmenter(package), reading, image, np.zeros(image.shape, bool), 0.07)
    assert (found.scores.shape, found.malignancy.shape, found.outlines) == ((0,), (0,), ())


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_network_for_tiles_of_one_size_only(written, runtime):
    pytest.importorskip(runtime)
    network = onnx.load_from_string(layer(STEEP))
    for port in (network.graph.input[0], network.graph.output[0]):
        for length in port.type.tensor_type.shape.dim[2:]:
            length.dim_value = 512
    package = written(network.SerializeToString())
    with pytest.raises(ReadError, match=r"a network \(n, 1, \*, \*\) -> .* found \(n, 1, 512, 512\) -> "):
        load_segmenter(package, Computation(runtime))


def test_a_network_that_draws_no_maps(written):
    """The ablation of a single task."""
    recipe = load_recipe("terrassin2024-mutmus-unet3plus").with_changes({"network": {"multi_task": False}})
    package = written(layer(STEEP), "terrassin2024-mutmus-unet3plus", recipe=recipe.as_written())
    with pytest.raises(UsageError, match="expected a package whose network maps calcifications, found speck-cascade"):
        segmenter_detector(package, Computation())


def test_a_card_that_does_not_say_how_images_are_fed(written):
    package = written(layer(STEEP), input={"spacing_mm": 0.07, "proposer": None})
    with pytest.raises(ReadError, match="expected a card that says how images are fed to its network"):
        segmenter_detector(package, Computation())


def test_by_its_path_in_another_runtime(written):
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    path = str(written(layer(STEEP)).path)
    opened = load_detector(path, runtime="openvino").propose.args[0]
    assert opened.runtime.name == "openvino"
    assert load_detector(path).propose.args[0].runtime.name == "onnxruntime"
    with pytest.raises(UsageError, match="expected the device auto or cpu, found 'cuda'"):
        load_detector(path, runtime="openvino", device="cuda")


@pytest.mark.parametrize("name", ["morphology", "cortina2022-cascade"])
@pytest.mark.parametrize("options", [{"runtime": "openvino"}, {"precision": "bf16"}])
def test_detectors_without_a_network_have_no_runtime(name, options):
    with pytest.raises(UsageError, match=f"expected no runtime and no precision for {name}, which has no network"):
        load_detector(name, **options)


def test_detection_imports_nothing_that_training_needs(written, specks_png):
    package = load_package(written(layer(STEEP)).path)
    code = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(['sklearn', 'xgboost', 'torch', 'matplotlib', 'skimage', 'onnx'])\n"
        "import microcalc\n"
        f"report = microcalc.detect({str(specks_png)!r}, detector={str(package.path)!r})\n"
        "print(report.detector.package_sha256, len(report.images[0].calcifications))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == package.sha256
    assert int(done.stdout.split()[1]) > 10


def test_findings_without_outlines_are_as_they_were(specks_png):
    report = microcalc.detect(specks_png, detector="morphology")
    assert report.images[0].calcifications
    assert "polygon" not in report.to_json()
