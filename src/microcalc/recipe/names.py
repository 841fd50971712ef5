"""Names of the recipes that come with the package: the paper's key, or microcalc for our own, and a variant."""

from __future__ import annotations

#: Paper -> its variants; one YAML file each in ``recipes/``.
BY_PAPER: dict[str, tuple[str, ...]] = {
    "mracko2024": (
        "resnet101",
        "resnet101-lr1e-4",
        "resnet101-lr5e-5",
        "resnet101-lr1e-5",
        "resnet101-lr5e-6",
        "resnet101-lr1e-6",
        "resnet101-wd1e-1",
        "resnet101-wd1e-2",
        "resnet101-wd1e-3",
        "resnet101-wd1e-4",
        "resnet101-wd1e-5",
    ),
    "cortina2022": (
        "cascade",
        "resnet50-01",
        "resnet50-05",
        "densenet121-00",
        "resnet16",
        "resnet16-dense",
        "resnet32",
        "resnet64",
        "resnet16-map",
        "resnet16-dense-map",
        "resnet32-map",
        "resnet64-map",
        "resnet50-map",
        "multiscale-map",
        "frcnn-resnet50",
        "frcnn-resnet50-fast",
        "frcnn-efficientnet-b3",
        "frcnn-efficientnet-b3-fast",
        "frcnn-densenet121",
        "frcnn-densenet121-fast",
    ),
    "kahnouei2022": ("resnet50", "resnet50-paper-split"),
    "terrassin2024": (
        "resnet22",
        "resnet22-separable",
        "convnextv2-atto",
        "convnextv2-zepto",
        "convnextv2-yocto",
        "mutmus-unet3plus",
        "motmus-unet3plus",
        "mutmos-unet3plus",
        "unet3plus",
    ),
    "pesapane2023": (
        "alexnet-task1",
        "alexnet-task2",
        "resnet18-task1",
        "resnet18-task2",
        "resnet34-task1",
        "resnet34-task2",
    ),
    "microcalc": (
        "default",
        "resnet16",
        "resnet32",
        "alexnet112-task1",
        "alexnet112-task2",
        "resnet18-112-task1",
        "resnet18-112-task2",
        "resnet34-112-task1",
        "resnet34-112-task2",
    ),
}
RECIPES = tuple(f"{paper}-{variant}" for paper, variants in BY_PAPER.items() for variant in variants)


def in_brief() -> str:
    """All of them in one line, paper by paper: kahnouei2022-{resnet50, ...}."""
    return ", ".join(f"{paper}-{{{', '.join(variants)}}}" for paper, variants in BY_PAPER.items())
