from types import SimpleNamespace

import numpy as np

from microcalc.training.bank_draws import BankDraws


class Told:
    """A bank of nothing, which remembers what it was asked for; its views are no finer than 0.08 mm."""

    def __init__(self):
        self.asked = []

    def draw(self, rng, n, *, size_px, spacing_mm, positive_share):
        self.asked.append((n, size_px, spacing_mm, positive_share))
        mask = np.zeros((n, size_px, size_px), np.int8)
        mask[:, 0, :3] = (-1, 1, 2)  # not asked, benign, malignant
        return SimpleNamespace(
            patches=np.zeros(mask.shape, np.float32),
            breast=mask == 0,
            mask=mask,
            spacing_mm=np.full(n, max(spacing_mm, 0.08)),
        )


def test_benign_and_malignant_are_both_calcium_and_the_pitch_is_that_of_the_windows():
    drawn = BankDraws(Told(), (0.06, 0.07)).draw(np.random.default_rng(0), 2, size_px=4, positive_share=0.5)
    assert drawn.target[0, 0].tolist() == [-1, 1, 1, 0]
    assert drawn.target.dtype == np.int8
    assert drawn.breast[0, 0].tolist() == [False, False, False, True]
    assert drawn.spacing_mm.tolist() == [0.08, 0.08]


def test_the_pitch_is_drawn_anew_each_time_and_follows_from_the_generator():
    def pitches():
        bank, rng = Told(), np.random.default_rng(5)
        for _ in range(20):
            BankDraws(bank, (0.06, 0.085)).draw(rng, 3, size_px=8, positive_share=0.25)
        assert {(n, size, share) for n, size, _, share in bank.asked} == {(3, 8, 0.25)}
        return [pitch for _, _, pitch, _ in bank.asked]

    drawn = pitches()
    assert drawn == pitches()
    assert len(set(drawn)) == 20
    assert 0.06 <= min(drawn) < 0.065 < 0.08 < max(drawn) <= 0.085
