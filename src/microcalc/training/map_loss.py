"""The loss of maps of calcium: focal cross-entropy (Lin et al. 2017, equation 4), pixel by pixel."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from microcalc.training.window_batches import SPECK_PX


def map_loss(logits: Tensor, target: Tensor, weights: Tensor, focal: float) -> Tensor:
    """Sum over the pixels that are asked about, per calcification (or window, where there are more of those).

    Well-known pixels count ``(1 - p) ** focal``, p being the probability given to what is true: nearly all of a
    window is plain tissue, which would drown the rest.

    Args:
        logits: (n, 1, s, s).
        target: (n, 1, s, s) int8: 1 calcium, 0 none, -1 not asked.
        weights: (n, 1, s, s) of pixels with calcium.
        focal: exponent.
    """
    known = functional.logsigmoid(logits)
    unknown = known - logits  # log(1 - sigmoid)
    calcium, none = (target == 1).to(logits.dtype), (target == 0).to(logits.dtype)
    missed = -(calcium * weights * unknown.exp() ** focal * known).sum()
    false = -(none * known.exp() ** focal * unknown).sum()
    return (missed + false) / (weights.sum() / SPECK_PX).clamp(min=len(logits)) / SPECK_PX
