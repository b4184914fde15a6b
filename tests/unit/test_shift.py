import numpy as np
import torch

from ris_core.training.shift import shift_in_time


def spectrograms(n: int = 200) -> torch.Tensor:
    return torch.rand(n, 1, 5, 30, generator=torch.Generator().manual_seed(0)) + 0.1


def test_every_spectrogram_is_shifted_by_its_own_columns_and_edges_are_repeated() -> None:
    x = spectrograms()
    moved = shift_in_time(x, 3, np.random.default_rng(1))
    found = set()
    for before, after in zip(x[:, 0], moved[:, 0], strict=True):
        for shift in range(-3, 4):
            wanted = before[:, np.clip(np.arange(30) + shift, 0, 29)]
            wanted = wanted * (before.norm() / wanted.norm())
            if torch.allclose(wanted, after, rtol=1e-5):
                found.add(shift)
                break
        else:
            raise AssertionError("not a shift by three columns or fewer")
    assert found == set(range(-3, 4))


def test_the_norm_stays_and_zeros_stay_zeros() -> None:
    x = spectrograms()
    x[0] = 0
    moved = shift_in_time(x, 8, np.random.default_rng(1))
    torch.testing.assert_close(moved.flatten(1).norm(dim=1), x.flatten(1).norm(dim=1))
    assert not moved[0].any()


def test_no_shift_gives_back_the_same_tensor_and_the_same_seed_the_same_shifts() -> None:
    x = spectrograms()
    assert shift_in_time(x, 0, np.random.default_rng(1)) is x
    one, same = (shift_in_time(x, 8, np.random.default_rng([7, 2])) for _ in range(2))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
