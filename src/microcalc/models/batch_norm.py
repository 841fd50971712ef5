"""Batch norms of networks that are fitted with a few large patches a step."""

from __future__ import annotations

from torch import nn

#: Share of each new batch in the moments kept for inference. Of three patches a batch, torch's own 0.1 would keep those
#: of some thirty patches, and scores would depend on which came last; Keras's 0.01 is still at its start after the few
#: hundred steps of a small run.
MOMENTUM = 0.05


def batch_norm(width: int) -> nn.BatchNorm2d:
    """Of so many maps. At rest it is one fixed factor a map: what stands elsewhere in a mammogram changes nothing."""
    return nn.BatchNorm2d(width, momentum=MOMENTUM)
