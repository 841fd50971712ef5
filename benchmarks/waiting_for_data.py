"""Share of a network's training time spent waiting for patches, by their size and the number of loading processes."""

import tempfile
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from microcalc.models.networks import build
from microcalc.recipe import PatchClassifierRecipe, load_recipe
from microcalc.training.augment import augment
from microcalc.training.loading import WaitMeter, as_float, loader
from microcalc.training.normalise_tensor import prepare_tensor
from microcalc.training.parts import Part, share_out
from microcalc.training.sampling import EpochSampler
from microcalc.training.smoke_patches import write_smoke_store

BATCHES, WORKERS = 8, (0, 1, 2)
#: Recipe, side of its patches, batch: small networks wait the most.
RUNS = (
    ("microcalc-resnet16", 16, 128),
    ("microcalc-resnet18-112-task1", 112, 16),
    ("microcalc-resnet18-112-task1", 224, 16),
)


def epoch(part: Part, recipe: PatchClassifierRecipe, workers: int, device: torch.device) -> tuple[float, float]:
    """(share of waiting, seconds a batch) of an epoch, after one that warms up."""
    torch.manual_seed(0)
    network = build(recipe.network, 2).to(device).train()
    optimiser = torch.optim.Adam(network.parameters())
    generator = torch.Generator(device).manual_seed(0)
    sampler = EpochSampler(part, recipe.fitting.sampling, recipe.fitting.batch, 0)
    batches = WaitMeter(loader(part, sampler, workers=workers, pin_memory=device.type == "cuda"))
    for _ in range(2):
        for batch in batches:
            pixels, classes = (batch[name].to(device, non_blocking=True) for name in ("pixels", "classes"))
            changed, _masks = augment(as_float(pixels), None, recipe.fitting.augmentation, generator)
            loss = cross_entropy(network(prepare_tensor(changed, recipe.input, recipe.network.channels)), classes)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()  # a GPU's work is awaited, as the log of a loss does
    return batches.share, batches.seconds / len(batches)


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{device}, {torch.get_num_threads()} threads", flush=True)
    for name, size, batch in RUNS:
        recipe = load_recipe(name).with_changes(
            {
                "input": {"size_px": size, "resize_px": None},
                "fitting": {"batch": batch, "sampling": {"batches": BATCHES}},
            }
        )
        with tempfile.TemporaryDirectory() as folder:
            store = write_smoke_store(Path(folder), recipe, 0)
            part = share_out(store, recipe, 0).train
            for workers in WORKERS:
                share, seconds = epoch(part, recipe, workers, device)
                print(
                    f"{recipe.network.name} on {size} px, batches of {batch}, {workers} workers: "
                    f"{share:.1%} waiting, {1000 * seconds:.1f} ms a batch",
                    flush=True,
                )


if __name__ == "__main__":
    main()
