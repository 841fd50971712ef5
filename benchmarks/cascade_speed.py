"""The cascade on one image, stage by stage, as it ships or with random machines of any size (``--vectors``).

Random machines judge every candidate twice, the most there can be to do. The floor of a machine is its matrix product
at the measured rate of a large one.
"""

import argparse

import numpy as np
from common import one_image
from features_speed import operations_per_second, seconds

from microcalc.detectors.cascade import propose
from microcalc.detectors.view import working_view
from microcalc.features import FAMILIES, feature_matrix
from microcalc.features.haar import haar
from microcalc.imageio import read_mammogram
from microcalc.models import load_package
from microcalc.models.cascade import WEIGHTS, Cascade, RbfSvm

PACKAGE = "cortina2022-cascade"
GOAL_SECONDS = 3.0


def shipped() -> Cascade:
    card = load_package(PACKAGE).card
    assert card.calibration is not None
    return Cascade.from_arrays(
        load_package(PACKAGE).arrays(WEIGHTS), card.load_recipe().families, card.calibration.parameters
    )


def random_machine(vectors: int, features: int) -> RbfSvm:
    rng = np.random.default_rng(0)
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
    parser.add_argument("--vectors", type=int, help="of each of two random machines, instead of those that ship")
    vectors = parser.parse_args().vectors
    cascade = shipped()
    if vectors is not None:
        machine = random_machine(vectors, len(cascade.first.offset))
        cascade = Cascade(machine, -1e9, machine, None, cascade.families, cascade.haar)  # every candidate passes
    chosen = cascade.haar
    assert chosen is not None
    find_candidates = load_package(PACKAGE).card.load_recipe().proposer.load()

    mammogram = read_mammogram(one_image())
    if mammogram.spacing_mm is None:
        mammogram = mammogram.with_spacing((0.07, 0.07), "user")
    view = working_view(mammogram, 0.07)
    image, mask = view.image, view.mask
    centres = find_candidates(image, mask, 0.07).centres
    features = feature_matrix(image, centres, cascade.families, chosen)
    sizes = [len(machine.support) for machine in (cascade.first, cascade.second)]

    print(f"{mammogram.shape} pixels, breast in {image.shape}, {len(centres)} candidates, {features.shape[1]} features")
    stages = {
        "breast, crop, resample": lambda: working_view(mammogram, 0.07),
        "candidates": lambda: find_candidates(image, mask, 0.07),
        **{
            name: lambda name=name: FAMILIES[name]().compute(image, centres)
            for name in cascade.families
            if name != "haar"
        },
        f"haar, {len(chosen)} chosen": lambda: haar(image, centres, chosen),
        f"two machines, {sizes[0]} and {sizes[1]} vectors": lambda: cascade.scores(features),
        "propose, whole": lambda: propose(find_candidates, cascade, image, mask, 0.07),
    }
    spent = {name: seconds(job, 3) for name, job in stages.items()}
    whole = spent["propose, whole"]
    for name, value in spent.items():
        print(f"  {name:40} {value:6.3f} s  {value / whole:6.1%} of propose")
    product = 2 * features.size * sum(sizes) / operations_per_second()
    print(f"  floor, were all to pass to the second {product:9.3f} s")
    print(f"  with what comes before it {whole + spent['breast, crop, resample']:21.3f} s, goal {GOAL_SECONDS} s")


if __name__ == "__main__":
    main()
