"""``model.int8.onnx``: a network's ONNX file whose convolutions are computed in 8 bits.

Weights are quantised channel by channel, activations by the ranges that they take on patches of the training data.
Written by ONNX Runtime, with operators that every runtime reads: QuantizeLinear and DequantizeLinear around the others.
Weights have 7 bits: a processor without VNNI adds up products of 8 bits in 16, which overflow.

The head stays in 32 bits: with 256 levels in its outputs, scores would tie.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from pydantic import Field

from microcalc.errors import UsageError
from microcalc.findings import Record
from microcalc.models.network_package import INT8, ONNX, network_card
from microcalc.models.normalise import prepare
from microcalc.models.package import Package, write_package
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.probabilities import target_scores

#: What it was made of, in the package.
NOTE = "int8.json"
#: Operators computed in 8 bits; of additions those alone that join two branches, such as a residual block's.
_OPERATORS = ("Conv", "Add", "Relu", "MaxPool")
#: Pixels that the network sees at a time while ranges are taken.
_BATCH_PX = 2**19

Patches = NDArray[np.float32]


class Int8Note(Record):
    """What stands in ``int8.json``."""

    data: str = Field(description="The store whose training patches the ranges of activations were taken from.")
    seed: int = Field(description="By which they were drawn.")
    calibrated_on: int = Field(ge=1, description="Patches.")
    compared_on: int = Field(ge=1, description="Other training patches, on which it was set beside 32 bits.")
    largest_difference: float = Field(description="Of the probability of the first target, between the two.")
    mean_difference: float


def with_int8(package: Package, folder: Path, patches: Patches, others: Patches, data: str, seed: int) -> Package:
    """A package with its network in 8 bits beside that in 32.

    Args:
        package: a patch classifier, with ``model.onnx``.
        folder: made where missing; may be the package's own.
        patches: (n, cut_px, cut_px) 0..1, drawn out of those it was trained on: whose ranges are taken.
        others: the same, on which the two are compared.
        data: what the patches are called.
        seed: by which they were drawn.

    Raises:
        UsageError: a package of another kind or without ``model.onnx``, or patches of another size.
        ReadError: the package's network is damaged.
        WriteError: the folder cannot be written.
    """
    described = network_card(package)
    if ONNX not in package.card.files:
        raise UsageError(
            expected=f"{ONNX} in the package {package.card.name}",
            found=", ".join(package.card.files),
            do="make it with: microcalc models export --onnx",
            where=package.path,
        )
    size = max(1, _BATCH_PX // described.patch.network_px**2)
    blocks = (patches[start : start + size] for start in range(0, len(patches), size))
    batches = (prepare(block, described.patch, described.network.channels) for block in blocks)
    files: dict[str, bytes | Path] = {name: package.read(name) for name in package.card.files}
    files[INT8] = quantised(package.read(ONNX), batches)
    apart = _differences(package, files, others)
    note = Int8Note(
        data=data,
        seed=seed,
        calibrated_on=len(patches),
        compared_on=len(others),
        largest_difference=float(apart.max()),
        mean_difference=float(apart.mean()),
    )
    return write_package(folder, package.card, files | {NOTE: note.model_dump_json(indent=2).encode()})


def _differences(package: Package, files: dict[str, bytes | Path], patches: Patches) -> NDArray[np.float64]:
    """(n,) how far the probability of the first target in 8 bits is from that in 32."""
    with tempfile.TemporaryDirectory() as made:
        both = write_package(Path(made, "package"), package.card, files)
        in_8, in_32 = load_patch_classifier(both, precision="int8"), load_patch_classifier(both, runtime="onnxruntime")
        shares = [one.probabilities(patches) for one in (in_8, in_32)]
    coarse, exact = (target_scores(share, in_32.classes, in_32.targets[0]) for share in shares)
    return np.abs(coarse - exact)


def quantised(content: bytes, batches: Iterator[Patches]) -> bytes:
    """An ONNX file in 8 bits out of one in 32, by the ranges of its activations on batches made ready."""
    with tempfile.TemporaryDirectory() as made:
        folded, path = Path(made, ONNX), Path(made, INT8)
        quant_pre_process(onnx.load_from_string(content), folded, skip_symbolic_shape=True)
        model = onnx.load(folded)
        quantize_static(
            model,
            path,
            _Reader(model.graph.input[0].name, batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_OPERATORS),
            nodes_to_exclude=_of_constants(model.graph.node),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return path.read_bytes()


def _of_constants(nodes: Sequence[onnx.NodeProto]) -> list[str]:
    """Names of additions of a constant, such as the bias of a linear layer."""
    drawn = {name for node in nodes if node.op_type != "Constant" for name in node.output}
    return [node.name for node in nodes if node.op_type == "Add" and not drawn.issuperset(node.input)]


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # untyped
    """Batches as ONNX Runtime asks for them."""

    def __init__(self, name: str, batches: Iterator[Patches]) -> None:
        self._name, self._batches = name, batches

    def get_next(self) -> dict[str, Patches] | None:
        """The next one, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}
