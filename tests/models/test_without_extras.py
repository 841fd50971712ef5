"""The base install: detection, and a network's package in ONNX Runtime, with everything optional out of reach."""

import subprocess
import sys

import numpy as np

from microcalc.models.patch_classifier import load_patch_classifier

CODE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Hidden())
import numpy as np
import microcalc
from microcalc.errors import MicrocalcError
from microcalc.models.patch_classifier import load_patch_classifier

print(len(microcalc.detect({image!r}).images))
scores = load_patch_classifier({package!r}).scores(np.load({patches!r}))
print(*scores.tolist())
try:
    load_patch_classifier({package!r}, runtime="torch")
except MicrocalcError as error:
    print(error)
"""
HIDDEN = {
    *("torch", "torchvision", "timm", "lightning", "monai", "tensorboard", "onnx", "onnxscript", "openvino"),
    *("sklearn", "xgboost", "optuna", "ray", "mlflow"),
}


def test_detect_and_score_without_torch(classifier_package, breast_png, tmp_path):
    image = breast_png(tmp_path / "breast.png")
    patches = np.random.default_rng(0).random((6, 16, 16), np.float32)
    np.save(tmp_path / "patches.npy", patches)
    code = CODE.format(
        hidden=HIDDEN,
        image=str(image),
        package=str(classifier_package.path),
        patches=str(tmp_path / "patches.npy"),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    images, scores, refusal = done.stdout.splitlines()
    assert images == "1"
    expected = load_patch_classifier(classifier_package, runtime="torch", device="cpu", threads=1).scores(patches)
    np.testing.assert_allclose([float(score) for score in scores.split()], expected, atol=1e-4)
    assert 'pip install "microcalc[train]"' in refusal
