"""The scalable ResNet run once over an image, for all of its windows together.

Overlapping windows repeat the same convolutions: four times over for 16 px at a stride of 8. Here the features of an
image are computed once, and pooled window by window. That is the same function of a window wherever it lies, as long as
what the network sees of it and around it is the same: the window comes with a margin as wide as its features see.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from microcalc.errors import UsageError
from microcalc.models.scalable_resnet import ScalableResNet
from microcalc.recipe.network import PatchInput


class DenseScalableResNet(ScalableResNet):
    """A scalable ResNet that answers for every window of an image; its weights are those of the one for patches.

    (n, channels, h, w) float32, h and w at least ``network_px`` -> (n, outputs, rows, columns) float32 logits of the
    windows whose first pixels lie ``margin_px`` inside, and at multiples of ``stride_px`` from there. Of a patch of
    ``network_px`` that is one.

    Raises:
        UsageError: the window, the margin or the stride is no multiple of the last feature map's stride, or a feature
            of the window sees beyond the margin.
    """

    def __init__(self, channels: int, stages: int, outputs: int, activation: nn.Module, patch: PatchInput) -> None:
        super().__init__(channels, stages, outputs, activation)
        context, step = patch.context, 2**stages
        assert context is not None  # whoever asks for this network has one
        lengths = (patch.size_px, context.margin_px, context.stride_px)
        if any(length % step for length in lengths) or context.margin_px < reach_px(stages):
            raise UsageError(
                expected=f"a window, a margin and a stride in multiples of {step} px, the margin at least "
                f"{reach_px(stages)} px, as far as {stages} stages see",
                found="{} px, {} px and {} px".format(*lengths),
                do="mend the recipe's input",
            )
        self._window, self._margin, self._stride = (length // step for length in lengths)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of every window."""
        inside = slice(self._margin, -self._margin)
        pooled = avg_pool2d(self.features(images)[:, :, inside, inside], self._window, self._stride)
        logits: Tensor = self.fc(pooled.permute(0, 2, 3, 1))
        return logits.permute(0, 3, 1, 2)


def reach_px(stages: int) -> int:
    """How far the features of a window see beyond it: of the first one to the left, which see farthest.

    The first convolution reaches 1 px. Each stage has four convolutions of 3 x 3: the one that halves reaches one of
    the pixels before it, the three others one of the halved ones: 1 + (1 + 3 * 2) + (2 + 3 * 4) = 22 px with two.
    """
    return 1 + 7 * ((1 << stages) - 1)
