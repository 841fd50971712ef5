"""The networks of the papers, by the names that recipes give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from microcalc.models.dense import DenseScalableResNet
from microcalc.models.resnet22 import ResNet22
from microcalc.models.scalable_resnet import ScalableResNet
from microcalc.models.torchvision_networks import from_torchvision
from microcalc.recipe import Network, PatchInput
from microcalc.recipe.network import Activation, Head, NetworkName


@dataclass(frozen=True)
class Architecture:
    """How a network is made, and what its layers are called."""

    #: Network and number of outputs -> the network with random weights and one linear layer as its head.
    make: Callable[[Network, int], nn.Module]
    #: That layer.
    head: str
    #: The layer that leaves the last feature map, for Grad-CAM.
    cam: str


ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky-relu": nn.LeakyReLU,
    "gelu": nn.GELU,
}


def _scalable_resnet(network: Network, outputs: int, patch: PatchInput | None = None) -> nn.Module:
    assert network.stages is not None  # a recipe's network has been validated
    activation = ACTIVATIONS[network.head.activation]()
    if patch is None:
        return ScalableResNet(network.channels, network.stages, outputs, activation)
    return DenseScalableResNet(network.channels, network.stages, outputs, activation, patch)


def _resnet22(network: Network, outputs: int) -> nn.Module:
    return ResNet22(network.channels, outputs, separable=network.name == "resnet22_separable")


def _convnext_v2(network: Network, outputs: int) -> nn.Module:
    from microcalc.models.convnext_v2 import convnext_v2  # timm takes seconds to import

    return convnext_v2(network, outputs)


_RESNET = Architecture(from_torchvision, head="fc", cam="layer4")
_EFFICIENTNET = Architecture(from_torchvision, head="classifier.1", cam="features")
_RESNET22 = Architecture(_resnet22, head="fc", cam="relu")
_CONVNEXT_V2 = Architecture(_convnext_v2, head="head.fc", cam="stages")

NETWORKS: dict[NetworkName, Architecture] = {
    "alexnet": Architecture(from_torchvision, head="classifier.6", cam="features.11"),
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "resnet101": _RESNET,
    "resnet152": _RESNET,
    "densenet121": Architecture(from_torchvision, head="classifier", cam="features.norm5"),
    "efficientnet_b0": _EFFICIENTNET,
    "efficientnet_b1": _EFFICIENTNET,
    "efficientnet_b2": _EFFICIENTNET,
    "efficientnet_b3": _EFFICIENTNET,
    "efficientnet_b4": _EFFICIENTNET,
    "efficientnet_b5": _EFFICIENTNET,
    "efficientnet_b6": _EFFICIENTNET,
    "efficientnet_b7": _EFFICIENTNET,
    "scalable_resnet": Architecture(_scalable_resnet, head="fc", cam="layers"),
    "resnet22": _RESNET22,
    "resnet22_separable": _RESNET22,
    "convnextv2_atto": _CONVNEXT_V2,
    "convnextv2_zepto": _CONVNEXT_V2,
    "convnextv2_yocto": _CONVNEXT_V2,
}


def build(network: Network, outputs: int, patch: PatchInput | None = None) -> nn.Module:
    """The network with random weights: (n, channels, s, s) float32 -> (n, outputs) float32 logits.

    With patches that have a context it is a :class:`~microcalc.models.dense.DenseScalableResNet`, which answers for
    every window of an image; its weights have the same names.

    Seed torch before (``torch.manual_seed``) to get the same weights again. Names of layers are torchvision's and
    timm's own; hidden layers of the head stand in the place of the one linear layer.
    """
    architecture = NETWORKS[network.name]
    dense = patch is not None and patch.context is not None
    module = _scalable_resnet(network, outputs, patch) if dense else architecture.make(network, outputs)
    if network.head.hidden or network.head.dropout:
        features = module.get_submodule(architecture.head).in_features
        assert isinstance(features, int)
        module.set_submodule(architecture.head, _head(features, outputs, network.head))
    return module


def cam_layer(network: Network) -> str:
    """Name of the layer that leaves the last feature map, for Grad-CAM."""
    return NETWORKS[network.name].cam


def _head(features: int, outputs: int, head: Head) -> nn.Sequential:
    """Linear layers, the activation and dropout after each but the last; dropout alone before a single one."""
    layers: list[nn.Module] = []
    for width in head.hidden:
        layers += [nn.Linear(features, width), ACTIVATIONS[head.activation](), nn.Dropout(head.dropout)]
        features = width
    return nn.Sequential(*layers or [nn.Dropout(head.dropout)], nn.Linear(features, outputs))
