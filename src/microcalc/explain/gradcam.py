"""Grad-CAM and Grad-CAM++: where on a patch a network finds evidence for one of its classes.

Sources: Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", ICCV
2017, Eq. 1 and 2; Chattopadhay et al., "Grad-CAM++", WACV 2018, Eq. 10, 13 and 19. MONAI has both, and the tests
compare; but its hooks stay on the network, switch in-place activations off for good and fail beside them, and its
Grad-CAM++ takes one patch at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import interpolate

from microcalc.errors import UsageError, check_known
from microcalc.explain.records import Method
from microcalc.recipe import PatchInput


def gradcam(
    module: nn.Module, layer: str, batch: NDArray[np.float32], class_index: int, method: Method = "gradcam"
) -> NDArray[np.float32]:
    """Maps of the evidence for one class.

    The layer's feature maps are added up with a weight each, and what is negative, evidence for other classes, is cut
    to 0. That is one number a cell of the feature map: it is enlarged bilinearly, between the centres of cells
    (``align_corners=False``), and divided by its own maximum, so that maps tell where, and never how much.

    Args:
        module: the network; its mode, its hooks and its gradients are left as they are, and it looks as in inference.
        layer: name of the layer whose output is explained, such as ``layer4``; an activation that is applied to that
            output in place counts as part of the layer.
        batch: (n, channels, s, s) as the network is fed.
        class_index: of the class. A network with one output has two: 0, of which the negated output is the logit, and
            1.
        method: ``gradcam`` weighs a feature map by the mean gradient of the class's logit, ``gradcam++`` by its
            positive gradients, those of few active cells more.

    Returns:
        (n, s, s) in 0..1 with the maximum 1; all 0 where nothing speaks for the class.

    Raises:
        UsageError: no such layer, class or method, or a layer that gives no feature maps.
    """
    check_known("method", method, _WEIGHTS)
    features, gradients = _features_and_gradients(module, layer, batch, class_index)
    weights = _WEIGHTS[method](features, gradients)
    cells = torch.einsum("nc,ncij->nij", weights, features).relu()
    maps = interpolate(cells[:, None], batch.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    peaks = maps.amax(dim=(1, 2), keepdim=True)
    scaled: NDArray[np.float32] = (maps / peaks.where(peaks != 0, 1)).cpu().numpy()
    return scaled


def on_patch(seen: NDArray[np.float32], patch: PatchInput) -> NDArray[np.float32]:
    """A map of what the network sees, (network_px, network_px) -> one of the patch, as large.

    Of a network with a context it is one of the patch as cut, (cut_px, cut_px), and of the window alone: features
    around it have no part in the answer, and are 0.
    """
    if patch.context is None:
        return seen
    inside = slice(patch.context.margin_px, -patch.context.margin_px)
    window = seen[inside, inside]
    return np.pad(window / (window.max() or 1), (patch.cut_px - patch.size_px) // 2)


def _mean_gradients(features: Tensor, gradients: Tensor) -> Tensor:
    """(n, c), Eq. 1 of Grad-CAM."""
    return gradients.mean(dim=(2, 3))


def _pixelwise_gradients(features: Tensor, gradients: Tensor) -> Tensor:
    """(n, c), Eq. 10 and 19 of Grad-CAM++ for an exponential on top of the logit.

    Second and third derivatives are powers of the gradient then, g2 / (2 g2 + sum(A) g3) is 1 / (2 + sum(A) g), and the
    exponential itself is a factor of the whole map that its scaling takes out.
    """
    denominator = 2 + features.sum(dim=(2, 3), keepdim=True) * gradients
    return (gradients.relu() / denominator.where(denominator != 0, torch.inf)).sum(dim=(2, 3))


_WEIGHTS = {"gradcam": _mean_gradients, "gradcam++": _pixelwise_gradients}


def _features_and_gradients(
    module: nn.Module, layer: str, batch: NDArray[np.float32], class_index: int
) -> tuple[Tensor, Tensor]:
    """(n, c, rows, columns) output of a layer, and the gradient of the class's logit by it."""
    kept: list[Tensor] = []

    def keep(_layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        # Cut off from what is before: the graph holds the layers behind alone. A copy, since an activation behind may
        # work in place, which a leaf of the graph would not bear.
        kept.append(output.detach().requires_grad_().clone())
        return kept[-1]

    # Without gradients of their own, so that none is left on the network.
    weights = {name: parameter.detach() for name, parameter in module.named_parameters()}
    device = next(iter(weights.values())).device
    handle = _layer(module, layer).register_forward_hook(keep)
    try:
        with _inference(module), torch.enable_grad():
            outputs: Tensor = functional_call(module, weights, (torch.from_numpy(batch).to(device),))
            logits = torch.cat([-outputs, outputs], dim=1) if outputs.shape[1] == 1 else outputs
            _check(kept, layer, logits.shape[1], class_index)
            (gradients,) = torch.autograd.grad(logits[:, class_index].sum(), kept[-1])
    finally:
        handle.remove()
    return kept[-1].detach(), gradients


def _layer(module: nn.Module, name: str) -> nn.Module:
    names = [of for of, _ in module.named_modules() if of]
    if name not in names:
        raise UsageError(
            expected=f"a layer of the network, such as {', '.join(of for of in names if '.' not in of)}",
            found=repr(name),
            do="choose one of module.named_modules()",
        )
    return module.get_submodule(name)


def _check(kept: list[Tensor], layer: str, classes: int, class_index: int) -> None:
    if len(kept) != 1 or kept[0].ndim != 4:
        raise UsageError(
            expected=f"a layer that gives (n, channels, rows, columns) once, for {layer}",
            found=f"{len(kept)} outputs, the last of shape {tuple(kept[-1].shape) if kept else '()'}",
            do="choose the last convolutional one",
        )
    if not 0 <= class_index < classes:
        raise UsageError(expected=f"a class from 0 to {classes - 1}", found=str(class_index), do="give one of them")


@contextlib.contextmanager
def _inference(module: nn.Module) -> Iterator[None]:
    """Every layer in evaluation mode, and back to its own."""
    modes = {layer: layer.training for layer in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for layer, training in modes.items():
            layer.training = training
