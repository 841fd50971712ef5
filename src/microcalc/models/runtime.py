"""What computes a network: ONNX Runtime, torch or OpenVINO behind one call.

All three compute in 32 bits unless another precision is asked for: OpenVINO would otherwise take bf16 wherever a
processor has it, and scores would depend on the machine. Threads do not spin while they wait: the processors are
shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError, check_known
from microcalc.models.container import refused
from microcalc.models.extras import needs
from microcalc.models.network_package import INT8, ONNX, ports
from microcalc.models.package import Package

RuntimeName = Literal["auto", "onnxruntime", "torch", "openvino"]
Precision = Literal["f32", "bf16", "int8"]
Batch = NDArray[np.float32]


@dataclass(frozen=True)
class Computation:
    """How a network is computed; see :func:`open_runtime`."""

    runtime: RuntimeName = "auto"
    precision: Precision = "f32"
    device: str = "auto"


class Runtime(Protocol):
    """A loaded network."""

    @property
    def name(self) -> str:
        """As it is asked for: onnxruntime, torch, openvino."""

    @property
    def precision(self) -> Precision:
        """That it computes in; what goes in and comes out is float32 all the same."""

    @property
    def device(self) -> str:
        """That it computes on: cpu, cuda, cuda:0, ..."""

    def __call__(self, batch: Batch) -> tuple[Batch, ...]:
        """The outputs of a batch, as :func:`~microcalc.models.network_package.ports` lists them.

        Args:
            batch: any n from 1 on of patches (n, channels, network_px, network_px), contiguous, made ready by
                ``prepare``; or of tiles (n, channels, rows, columns), whose sides are multiples of the card's.

        Returns:
            Logits: of patches (n, outputs); of tiles maps (n, maps, rows, columns), and where it names classes
            (n, classes). Of a Faster R-CNN's windows no logits, but boxes and scores (n, detections, 5).
        """


def open_runtime(
    package: Package,
    *,
    runtime: RuntimeName = "auto",
    precision: Precision = "f32",
    device: str = "auto",
    threads: int | None = None,
) -> Runtime:
    """Load the network of a package.

    Args:
        package: of a kind that has one: ``patch-classifier``, ``faster-rcnn``, ``segmenter``, ``multi-task-segmenter``.
        runtime: auto is ONNX Runtime, which the base install has, or torch where a GPU is asked for by name or the
            package holds weights alone.
        precision: bf16 is faster on processors and GPUs that have it; scores then differ in the third digit. int8 is
            faster on any processor; the package has to hold such a network, which scores differently.
        device: auto, cpu, or for torch cuda, cuda:0, ...; auto is a GPU only where torch is asked for.
        threads: of a processor; None: as many as OpenCV uses here, which is all, and one in each process of a pool.

    Raises:
        UsageError: a runtime that is not installed, or that cannot do what is asked; a GPU that is not there.
        ReadError: the package holds no such network, or a damaged one.
    """
    check_known("runtime", runtime, get_args(RuntimeName))
    check_known("precision", precision, get_args(Precision))
    threads = threads or max(1, cv2.getNumThreads())
    if runtime == "auto":
        weights_alone = precision != "int8" and ONNX not in package.card.files
        runtime = "torch" if device.startswith("cuda") or weights_alone else "onnxruntime"
    if runtime == "torch":
        with needs("train", "torch", "torchvision", "timm"):
            from microcalc.models.torch_network import open_torch
        return open_torch(package, precision, device, threads)
    if device not in ("auto", "cpu"):
        raise UsageError(expected="the device auto or cpu", found=repr(device), do="use the runtime torch for a GPU")
    return OpenVino(package, precision, threads) if runtime == "openvino" else OnnxRuntime(package, precision, threads)


class OnnxRuntime:
    """A network in ONNX Runtime, on the processor."""

    name = "onnxruntime"
    device = "cpu"

    def __init__(self, package: Package, precision: Precision, threads: int) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as faults

        if precision == "bf16":
            raise UsageError(
                expected="f32 or int8, all that ONNX Runtime computes in on a processor",
                found=precision,
                do="leave the precision out, or use the runtime openvino or torch",
            )
        self.precision = precision
        file = _file(package, precision)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors, which are raised too
        try:
            self._session = onnxruntime.InferenceSession(
                package.read(file), options, providers=["CPUExecutionProvider"]
            )
        except (
            faults.Fail,
            faults.InvalidArgument,
            faults.InvalidGraph,
            faults.InvalidProtobuf,
            faults.NotImplemented,
            faults.RuntimeException,
        ) as error:
            raise refused(package.path, f"a network that ONNX Runtime can read in {file}", str(error)) from error
        found = self._session.get_inputs() + self._session.get_outputs()
        _check_shapes(package, file, [port.shape for port in found])
        self._input = found[0].name

    def __call__(self, batch: Batch) -> tuple[Batch, ...]:
        """See :class:`Runtime`."""
        return tuple(self._session.run(None, {self._input: batch}))


class OpenVino:
    """A network in OpenVINO, on the processor."""

    name = "openvino"
    device = "cpu"

    def __init__(self, package: Package, precision: Precision, threads: int) -> None:
        with needs("openvino", "openvino"):
            import openvino
        self.precision = precision
        core = openvino.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UsageError(
                expected="a processor that computes in bf16", found="one that does not", do="leave the precision out"
            )
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",  # of what is not in 8 bits
            "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, all threads on it
            "INFERENCE_NUM_THREADS": threads,
        }
        file = _file(package, precision)
        content = package.read(file)
        try:
            model = core.read_model(content)
            self._compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise refused(package.path, f"a network that OpenVINO can read in {file}", str(error)) from error
        found = [*model.inputs, *model.outputs]
        _check_shapes(package, file, [[length.to_string() for length in port.partial_shape] for port in found])

    def __call__(self, batch: Batch) -> tuple[Batch, ...]:
        """See :class:`Runtime`."""
        return tuple(output.copy() for output in self._compiled(batch).to_tuple())  # the next call writes there too


def _file(package: Package, precision: Precision) -> str:
    """The package's file of the network in a precision."""
    name, do = ONNX, "make it with: microcalc models export --onnx, or use the runtime torch"
    if precision == "int8":
        name, do = INT8, "make it with: microcalc models export --int8, or leave the precision out"
        if package.card.kind != "patch-classifier":
            do = "leave the precision out: of networks, only classifiers of patches are brought to 8 bits"
    if name not in package.card.files:
        raise UsageError(
            expected=f"{name} in the package {package.card.name}",
            found=", ".join(package.card.files),
            do=do,
            where=package.path,
        )
    return name


def _check_shapes(package: Package, file: str, found: list[list[Any]]) -> None:
    """Make sure that the network is the card's: its input, its outputs, and all lengths but the first.

    Where the card's may be any, so must the network's.
    """
    wanted = ports(package)
    if [len(shape) - 1 for shape in found] != [len(shape) for shape in wanted] or any(
        (str(length) != str(there) if length is not None else str(there).isdigit())
        for shape, port in zip(found, wanted, strict=True)
        for there, length in zip(shape[1:], port, strict=True)
    ):
        raise refused(package.path, f"a network {_in_words(wanted)} in {file}", _in_words([s[1:] for s in found]))


def _in_words(shapes: Sequence[Sequence[Any]]) -> str:
    """The input's shape -> those of the outputs; n is any number, and so is a length that has a name or none."""
    first, *others = (
        "(" + ", ".join(["n", *(str(one) if str(one).isdigit() else "*" for one in shape)]) + ")" for shape in shapes
    )
    return f"{first} -> {' and '.join(others)}"
