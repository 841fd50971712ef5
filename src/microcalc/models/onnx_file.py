"""``model.onnx``: written from a torch network, and checked against it.

Written by torch's older exporter: on two cores it took 0.4 s for a ResNet-18 and 1.3 s for a DenseNet-121, the newer
one 6 s and 22 s, and that one's files name the folders of the machine they were made on.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou

from microcalc.errors import MicrocalcError
from microcalc.recipe import Network, PatchInput, SegmentationInput

#: Between torch and ONNX Runtime: of any output, or, where the largest is above 1 in size, as a share of that one, for
#: rounding grows with the values that an output is the sum of.
TOLERANCE = 1e-4
#: Share of boxes that rounding may decide about.
ODD_BOXES = 0.02
#: Intersection over union from which two boxes are one.
_SAME_BOX = 0.5
#: Version of the operators: every ONNX Runtime since 1.14 (2023) has them.
OPSET = 18


def export(module: nn.Module, network: Network, patch: PatchInput, path: Path) -> None:
    """Write a network as one ONNX file: ``patches`` (n, channels, network_px, network_px) -> ``logits`` (n, outputs).

    One with a context sees patches of any sides and says (n, outputs, rows, columns). The network itself is left as it
    is, wherever it is.
    """
    example = torch.zeros(2, network.channels, patch.network_px, patch.network_px)
    if patch.context is None:
        _write(_exportable(module, example), example, path, {"patches": {0: "n"}, "logits": {0: "n"}})
    else:
        axes = {"patches": {0: "n", 2: "h", 3: "w"}, "logits": {0: "n", 2: "rows", 3: "columns"}}
        _write(_at_rest(module), example, path, axes)


def export_maps(module: nn.Module, spec: SegmentationInput, path: Path, outputs: Sequence[str]) -> None:
    """Write a network as one ONNX file: ``images`` (n, channels, h, w) -> ``outputs``, n, h and w as they come.

    The network itself is left as it is, wherever it is.

    Args:
        module: returns a tensor, or a tuple of them, as :class:`~microcalc.models.runtime.Runtime` does.
        spec: h and w are multiples of its ``multiple``.
        path: of the file.
        outputs: out of ``maps`` (n, k, h, w) and ``classes`` (n, classes), in this order.
    """
    example = torch.zeros(2, spec.channels, 2 * spec.multiple, 4 * spec.multiple)
    lengths = {0: "n", 2: "h", 3: "w"}
    axes = {"images": lengths} | {name: lengths if name == "maps" else {0: "n"} for name in outputs}
    _write(_at_rest(module), example, path, axes)


def export_boxes(module: nn.Module, channels: int, side_px: int, path: Path) -> None:
    """Write a Faster R-CNN as one ONNX file: ``windows`` (1, channels, side_px, side_px) -> ``boxes`` (1, most, 5).

    One window at a time: the exporter takes their number for a constant. The network itself is left as it is.
    """
    _write(_at_rest(module), torch.zeros(1, channels, side_px, side_px), path, {"windows": {}, "boxes": {}})


def _write(module: nn.Module, example: Tensor, path: Path, axes: dict[str, dict[int, str]]) -> None:
    """Write the file; ``axes``: the input, then the outputs -> what its lengths that vary are called."""
    first, *others = axes
    with warnings.catch_warnings(), torch.no_grad():
        # That it is the older exporter, and takes shapes for constants: where they are not, check() finds it out.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            path,
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,  # at rest all the same: weights stay what they are
            opset_version=OPSET,
            input_names=[first],
            output_names=others,
            dynamic_axes=axes,
        )


def check(path: Path, module: nn.Module, sides: tuple[int, int] | None = None) -> float:
    """Largest difference of any output between the file, in ONNX Runtime, and the network in torch.

    Where the largest of an output is above 1 in size, the difference is given as a share of it.

    Args:
        path: of the file.
        module: the network.
        sides: rows and columns that it is tried on; None: those of the file, where they do not vary.

    Raises:
        MicrocalcError: it is above :data:`TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    images = np.random.default_rng(0).random((3, port.shape[1], *(sides or port.shape[2:])), np.float32)
    with torch.inference_mode():
        answer = _at_rest(module)(torch.from_numpy(images))
    wanted = [one.numpy() for one in (answer if isinstance(answer, tuple) else (answer,))]
    found = session.run(None, {port.name: images})
    difference = max(
        float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))
        for ours, theirs in zip(found, wanted, strict=True)
    )
    if not difference <= TOLERANCE:  # nor NaN
        raise MicrocalcError(
            expected=f"outputs of the ONNX file within {TOLERANCE:g} of torch's",
            found=f"{difference:g}",
            do="keep to the runtime torch for this network, and report this",
            where=path,
        )
    return difference


def check_boxes(path: Path, module: nn.Module, channels: int, side_px: int) -> float:
    """Share of boxes on a window of noise that only one of the two, the file and the network in torch, finds.

    A box is found by the other too if that one has a box over more than half of both, and a score within
    :data:`TOLERANCE`: of two overlapping boxes that are about as good, rounding decides which one is kept. Which
    proposal is the last that is looked at it decides too, hence :data:`ODD_BOXES`.

    Raises:
        MicrocalcError: it is above :data:`ODD_BOXES`.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    window = np.random.default_rng(0).standard_normal((1, channels, side_px, side_px), np.float32)
    with torch.inference_mode():
        wanted = _at_rest(module)(torch.from_numpy(window))[0]
    found = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: window})[0][0])
    ours, theirs = (boxes[boxes[:, 4] > 0] for boxes in (found, wanted))
    scores_agree = (ours[:, None, 4] - theirs[:, 4]).abs() <= TOLERANCE
    same = scores_agree & (box_iou(ours[:, :4], theirs[:, :4]) > _SAME_BOX)
    share = float(torch.cat([~same.any(1), ~same.any(0)]).float().mean())
    if not share <= ODD_BOXES:  # nor NaN: there have to be boxes
        raise MicrocalcError(
            expected=f"boxes of the ONNX file that torch finds too, but for {ODD_BOXES:.0%}",
            found=f"{share:.1%} that only one of them finds",
            do="keep to the runtime torch for this network, and report this",
            where=path,
        )
    return share


def _at_rest(module: nn.Module) -> nn.Module:
    """A copy on the processor, in evaluation mode."""
    return copy.deepcopy(module).cpu().eval()


def _exportable(module: nn.Module, example: Tensor) -> nn.Module:
    """A copy at rest whose adaptive pooling ONNX can express.

    ONNX has no adaptive pooling; the exporter makes do where windows are equal, such as that of a global average.
    AlexNet pools any size to 6 x 6: of patches of 112 px, from 2 x 2.
    """
    module = _at_rest(module)
    pools = {name: layer for name, layer in module.named_modules() if isinstance(layer, nn.AdaptiveAvgPool2d)}
    sizes: dict[nn.Module, tuple[torch.Size, torch.Size]] = {}

    def note(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        sizes[layer] = inputs[0].shape[2:], output.shape[2:]

    hooks = [layer.register_forward_hook(note) for layer in pools.values()]
    module(example)
    for hook in hooks:
        hook.remove()
    for name, layer in pools.items():
        sources, targets = sizes[layer]
        if any(source % target for source, target in zip(sources, targets, strict=True)):
            module.set_submodule(name, _Pooling(sources, targets))
    return module


class _Pooling(nn.Module):
    """Adaptive average pooling of maps of one size, as a product with a matrix on either side."""

    rows: Tensor
    columns: Tensor

    def __init__(self, sources: torch.Size, targets: torch.Size) -> None:
        super().__init__()
        for name, source, target in zip(("rows", "columns"), sources, targets, strict=True):
            eye = torch.eye(source)[None]
            self.register_buffer(name, functional.adaptive_avg_pool2d(eye, (target, source))[0])

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, c, *sources) -> (n, c, *targets)."""
        return self.rows @ maps @ self.columns.T
