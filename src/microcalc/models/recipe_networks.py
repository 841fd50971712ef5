"""The network that the recipe of a package trains, of every kind of recipe that has one, untrained."""

from __future__ import annotations

from torch import nn

from microcalc.models.faster_rcnn import untrained_faster_rcnn
from microcalc.models.network_package import network_card, region_recipe, segmenter_card
from microcalc.models.networks import build
from microcalc.models.package import Package
from microcalc.models.speck_net import SpeckNet
from microcalc.models.unet3plus import build_unet3plus
from microcalc.recipe import MultiTaskSegmenterRecipe, SegmenterRecipe


def network_of(package: Package) -> nn.Module:
    """A network of random weights: those of the package fit it.

    Raises:
        UsageError: the package is of a kind that has no network.
        ReadError: its card does not say enough of it.
    """
    if package.card.kind == "faster-rcnn":
        return untrained_faster_rcnn(region_recipe(package))
    if package.card.input.segmentation is None:
        of_patches = network_card(package)
        return build(of_patches.network, of_patches.recipe.outputs, of_patches.patch)
    return segmenter_network(segmenter_card(package).recipe)


def segmenter_network(recipe: SegmenterRecipe | MultiTaskSegmenterRecipe) -> nn.Module:
    """A network of random weights that maps images: what it returns is as :class:`~microcalc.models.runtime.Runtime`'s.

    Seed torch before (``torch.manual_seed``) to get the same one again.
    """
    if isinstance(recipe, SegmenterRecipe):
        return SpeckNet(recipe.network.widths, recipe.network.depths)
    return build_unet3plus(recipe.network, len(recipe.maps), len(recipe.classes))
