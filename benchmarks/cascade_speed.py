"""The cascade on one image, stage by stage, with random machines of the size that training leaves.

Every candidate is judged by both machines, the most there can be to do. The floor of a machine is its matrix product at
the measured rate of a large one.
"""

import argparse

import numpy as np
from common import one_image
from features_speed import operations_per_second, seconds

from microcalc.breast import Frame, find_breast
from microcalc.detectors.cascade import propose
from microcalc.features import FAMILIES, feature_matrix
from microcalc.features.haar import haar
from microcalc.imageio import read_mammogram
from microcalc.models.cascade import Cascade, RbfSvm
from microcalc.recipe import load_recipe

GOAL_SECONDS = 3.0


def random_machine(vectors: int, features: int, rng: np.random.Generator) -> RbfSvm:
    return RbfSvm(
        support=rng.random((vectors, features), dtype=np.float32),
        coefficients=rng.uniform(-10, 10, vectors),
        intercept=0.0,
        gamma=0.1,
        offset=np.zeros(features),
        scale=np.ones(features),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=5000, help="support vectors of each machine")
    vectors = parser.parse_args().vectors
    rng = np.random.default_rng(0)
    recipe = load_recipe("cortina2022-cascade")
    assert recipe.haar is not None
    chosen = rng.choice(len(FAMILIES["haar"]().names), recipe.haar.kept, replace=False)
    propose_candidates = recipe.proposer.load()

    mammogram = read_mammogram(one_image())
    spacing_mm = mammogram.spacing_mm or (0.07, 0.07)
    breast = find_breast(mammogram)
    frame = Frame.around(breast, spacing_mm, 0.07)
    image, mask = frame.apply(mammogram.pixels), frame.apply_mask(breast.mask)
    centres = propose_candidates(image, mask, 0.07).centres
    features = feature_matrix(image, centres, recipe.families, chosen)
    machine = random_machine(vectors, features.shape[1], rng)
    every_one_passes = Cascade(machine, -1e9, machine, None, recipe.families, chosen)

    print(f"{mammogram.shape} pixels, breast in {image.shape}, {len(centres)} candidates, {features.shape[1]} features")
    stages = {
        "find the breast": lambda: find_breast(mammogram),
        "crop and resample": lambda: (frame.apply(mammogram.pixels), frame.apply_mask(breast.mask)),
        "candidates": lambda: propose_candidates(image, mask, 0.07),
        **{
            name: lambda name=name: FAMILIES[name]().compute(image, centres)
            for name in recipe.families
            if name != "haar"
        },
        f"haar, {recipe.haar.kept} chosen": lambda: haar(image, centres, chosen),
        f"two machines, {vectors} vectors each": lambda: every_one_passes.scores(features),
        "propose, whole": lambda: propose(propose_candidates, every_one_passes, image, mask, 0.07),
    }
    spent = {name: seconds(job, 3) for name, job in stages.items()}
    whole = spent["propose, whole"]
    for name, value in spent.items():
        print(f"  {name:40} {value:6.3f} s  {value / whole:6.1%} of propose")
    product = 2 * 2 * features.size * vectors / operations_per_second()
    print(f"  floor of the two matrix products {product:14.3f} s")
    around = spent["find the breast"] + spent["crop and resample"]
    print(f"  with what comes before it {whole + around:21.3f} s, goal {GOAL_SECONDS} s")


if __name__ == "__main__":
    main()
