"""Faster R-CNN as torchvision has it, around the first layers of a patch classifier.

Ren et al., "Faster R-CNN: towards real-time object detection with region proposal networks", arXiv:1506.01497; as a
detector of microcalcifications: Cortina Uribe et al., section 2.3.2.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

from microcalc.models.network_package import WEIGHTS
from microcalc.models.networks import build
from microcalc.models.start import load_start
from microcalc.recipe import FasterRcnnRecipe
from microcalc.recipe.faster_rcnn import RegionNetwork

#: Background and calcification.
_CLASSES = 2
#: Samples along a cell's side where a proposal's features are pooled, as torchvision's own detectors take.
_SAMPLES = 2


class _Cut(NamedTuple):
    """Where a backbone ends."""

    #: Its last layer.
    last: str
    channels: int


#: Network and output stride -> where it is cut.
_CUTS = {
    ("resnet50", 8): _Cut("layer2", 512),
    ("resnet50", 32): _Cut("layer4", 2048),
    ("densenet121", 8): _Cut("transition2", 256),
    ("densenet121", 32): _Cut("norm5", 1024),
    ("efficientnet_b3", 8): _Cut("3", 48),
    ("efficientnet_b3", 32): _Cut("8", 1536),
}


class RegionDetector(FasterRCNN):  # type: ignore[misc]  # torchvision leaves it untyped
    """torchvision's detector, with boxes in one tensor."""

    def eager_outputs(self, losses: dict[str, Tensor], detections: list[dict[str, Tensor]]) -> Any:
        """In training the losses by name; else (n, detections, 5): x0, y0, x1, y1 and score of each box of a window.

        Edges in pixels from its upper left corner, best first, then rows of zeros.
        """
        if self.training:
            return losses
        most = self.roi_heads.detections_per_img
        found = [torch.cat([one["boxes"], one["scores"][:, None]], dim=1) for one in detections]
        filled = torch.stack([nn.functional.pad(one, (0, 0, 0, most - one.shape[0])) for one in found])
        return filled.reshape(-1, most, 5)  # says to ONNX what the shape is


def build_faster_rcnn(recipe: FasterRcnnRecipe, init: Path | None) -> tuple[RegionDetector, str]:
    """The network of a recipe, and in words what its backbone starts from.

    Seed torch before (``torch.manual_seed``) to get the same weights again. It takes windows (n, channels, s, s) made
    ready; in training also their boxes as torchvision takes them, with labels of 1.

    Args:
        recipe: of the network.
        init: weights of the backbone's classifier: a file, or the folder of its package. None: as the recipe starts.

    Raises:
        UsageError: they are those of another network, or can be fetched from nowhere.
        ReadError: they cannot be read.
    """
    spec = recipe.network
    classifier = build(spec.backbone, outputs=1)
    begun = load_start(classifier, spec.backbone, init=init / WEIGHTS if init is not None and init.is_dir() else init)
    return _around(_backbone(classifier, spec), recipe), f"backbone: {begun}; all else random"


def untrained_faster_rcnn(recipe: FasterRcnnRecipe) -> RegionDetector:
    """The network of a recipe with random weights throughout, for weights that are to be loaded."""
    return _around(_backbone(build(recipe.network.backbone, outputs=1), recipe.network), recipe)


class _Backbone(nn.Sequential):
    """Layers by their own names, so that weights keep those of the classifier."""

    out_channels: int


def _backbone(classifier: nn.Module, spec: RegionNetwork) -> _Backbone:
    cut = _CUTS[spec.backbone.name, spec.output_stride]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, layer in getattr(classifier, "features", classifier).named_children():
        layers[name] = layer
        if name == cut.last:
            break
    if cut.last == "norm5":
        layers["relu5"] = nn.ReLU()  # which DenseNet has in its forward alone
    if cut.last == "transition2":
        layers[cut.last].pool = nn.Identity()
    width = spec.width or cut.channels
    if spec.width is not None:
        layers["narrowed"] = nn.Conv2d(cut.channels, width, 1)
    backbone = _Backbone(layers)
    backbone.out_channels = width
    return backbone


def _around(backbone: _Backbone, recipe: FasterRcnnRecipe) -> RegionDetector:
    spec = recipe.network
    module = RegionDetector(
        backbone,
        rpn_anchor_generator=AnchorGenerator(sizes=((spec.anchor_px,),), aspect_ratios=((1.0,),)),
        rpn_pre_nms_top_n_train=2 * spec.proposals,
        rpn_pre_nms_top_n_test=spec.proposals,
        rpn_post_nms_top_n_train=2 * spec.proposals,
        rpn_post_nms_top_n_test=spec.proposals,
        box_roi_pool=MultiScaleRoIAlign(["0"], spec.pooled, _SAMPLES),
        box_head=TwoMLPHead(backbone.out_channels * spec.pooled**2, spec.neurons),
        box_predictor=FastRCNNPredictor(spec.neurons, _CLASSES),
        box_score_thresh=0.0,  # whoever reads the boxes knows from which score on
        box_nms_thresh=recipe.scanning.nms_iou,
        box_detections_per_img=spec.detections,
    )
    module.transform = _transform(spec)
    return module


def _transform(spec: RegionNetwork) -> GeneralizedRCNNTransform:
    """Windows come normalised: its own normalisation does nothing."""
    channels = spec.backbone.channels
    kind = GeneralizedRCNNTransform if spec.resize_px else _NativeScale
    side = spec.resize_px or 1
    return kind(side, side, [0.0] * channels, [1.0] * channels)


class _NativeScale(GeneralizedRCNNTransform):  # type: ignore[misc]  # torchvision leaves it untyped
    """Leaves windows as large as they are."""

    def resize(self, image: Tensor, target: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        return image, target
