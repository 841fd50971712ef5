"""Weights stored in 16 bits and computed with in 32: half the bytes of a package.

Matrices and kernels are rounded to three digits; what there is few of, biases and the moments of batch norms, keeps its
32 bits. The two forms of a network stay one: its ONNX file holds the very same rounded numbers.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn


def round_weights(module: nn.Module) -> None:
    """Round a network's matrices and kernels, in place, to what 16 bits hold: three digits, up to 65,504."""
    for tensor in module.state_dict().values():
        if _is_large(tensor):
            tensor.copy_(tensor.half())


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of float32, of any shapes, with its matrices and kernels in float16."""
    return {name: tensor.half() if _is_large(tensor) else tensor for name, tensor in state.items()}


def halved_onnx(content: bytes) -> bytes:
    """An ONNX file whose weights are stored in 16 bits, where that is exact, and cast to 32 when it is loaded."""
    model = onnx.load_from_string(content)
    graph = model.graph
    kept, casts = [], []
    for stored in graph.initializer:
        values = numpy_helper.to_array(stored)
        if values.dtype == np.float32 and values.ndim > 1 and (values == values.astype(np.float16)).all():
            short = f"{stored.name}.half"
            casts.append(helper.make_node("Cast", [short], [stored.name], to=TensorProto.FLOAT))
            stored = numpy_helper.from_array(values.astype(np.float16), short)
        kept.append(stored)
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _is_large(tensor: Tensor) -> bool:
    return tensor.dtype == torch.float32 and tensor.ndim > 1
