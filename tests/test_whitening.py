"""Whitening: T^T (B^T B + ridge) T = I on the range, whatever the scale, condition and rank of B."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from newtonkit.design import as_design
from newtonkit.sketching import Gaussian, whitening
from newtonkit.sketching.whitening import unbiased


def numbers(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, d))


class TestWhitening:
    def assert_whitens(self, b, ridge, rank, rtol):
        found = whitening(b, ridge)
        assert found.rank == rank == found.transform.shape[1]
        gram = b.T @ b + np.diag(np.broadcast_to(ridge, b.shape[1]))
        product = found.transform.T @ gram @ found.transform
        assert_allclose(product, np.eye(rank), rtol=0.0, atol=rtol)
        return found

    @pytest.mark.parametrize("ridge", [0.0, 0.7, np.linspace(0.0, 3.0, 6)], ids=["none", "number", "vector"])
    def test_of_a_good_matrix(self, ridge):
        assert self.assert_whitens(numbers(50, 6) * np.logspace(-30, 30, 6), ridge, 6, 1e-12).note == ""

    def test_of_one_that_needs_care(self):
        rng = np.random.default_rng(0)
        q = np.linalg.qr(rng.standard_normal((80, 6)))[0]
        v = np.linalg.qr(rng.standard_normal((6, 6)))[0]
        b = (q * np.logspace(0, -9, 6)) @ v
        found = whitening(b)
        assert found.rank == 6
        assert "ill-conditioned" in found.note
        # The rows B T in twice the precision: B's own rounding is 1e-16 / 1e-9 of the least direction.
        image = b.astype(np.longdouble) @ found.transform.astype(np.longdouble)
        assert_allclose((image.T @ image).astype(float), np.eye(6), rtol=0.0, atol=1e-5)

    def test_of_a_deficient_one(self):
        b = numbers(40, 3) @ np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
        note = self.assert_whitens(b, 0.0, 2, 1e-12).note
        assert "2 of 4" in note
        self.assert_whitens(b, 1e-3, 4, 1e-9)
        self.assert_whitens(b, np.array([0.0, 0.0, 0.0, 2.0]), 3, 1e-12)

    def test_of_fewer_rows_than_columns(self):
        self.assert_whitens(numbers(3, 8) + 1.0, 0.0, 3, 1e-12)

    def test_of_nothing(self):
        found = whitening(np.zeros((4, 3)))
        assert (found.rank, found.transform.shape) == (0, (3, 0))

    @pytest.mark.parametrize("kept", [0, 40], ids=["ridge", "ridge and rows kept"])
    def test_bias_of_few_rows_is_taken_out(self, kept):
        """The trace of T^T (A^T A + F) T has mean rank: over 30 Gaussian embeddings, within 4 deviations."""
        rng, m, d = np.random.default_rng(5), 60, 20
        fixed = 1.5 * rng.standard_normal((kept, d))
        ridge = np.linspace(1.0, 200.0, d)
        a = rng.standard_normal((500, d))
        gram = a.T @ a + fixed.T @ fixed + np.diag(ridge)
        traces = []
        for seed in range(30):
            b = Gaussian(m, seed).apply(as_design(a))
            found = unbiased(whitening(np.concatenate((b, fixed)), ridge), b, ridge, kept)
            traces.append(np.trace(found.transform.T @ gram @ found.transform) / d)
        assert abs(np.mean(traces) - 1.0) < 4.0 * np.std(traces) / np.sqrt(30)
        assert np.std(traces) < 0.1
