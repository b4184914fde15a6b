"""Doubts about autoencoders that may be used: what is said, and when nothing is."""

from ris_core.training.doubts import aec_doubts


def test_an_autoencoder_worse_than_principal_components_is_doubted() -> None:
    assert aec_doubts({"val_mse": 1e-5, "pca9_mse": 2e-5}) == ()
    assert aec_doubts({"val_mse": 3e-5, "pca9_mse": 2e-5}) == (
        "its validation MSE 3e-05 is not below that of 9 principal components, 2e-05",
    )
    assert len(aec_doubts({"val_mse": 2e-5, "pca9_mse": 2e-5})) == 1
    assert len(aec_doubts({"val_mse": float("nan"), "pca9_mse": 2e-5})) == 1
    assert aec_doubts({"val_mse": 1e-5}) == ()
