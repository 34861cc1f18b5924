"""A random film is a film: the same on every grid, with the covariance it was asked for."""

import jax
import numpy as np
import pytest

from interphase.materials.mosaic import random_map

KEY = jax.random.key(3)


@pytest.mark.parametrize("plane", [(16,), (16, 20)])
def test_a_finer_grid_sees_the_same_film(plane):
    """Of cells a third as wide, every third has its centre where a wide one has."""
    coarse = random_map(KEY, plane, (3.0,) * len(plane), 6.0)
    fine = random_map(KEY, tuple(3 * n for n in plane), (1.0,) * len(plane), 6.0)
    np.testing.assert_allclose(fine[(slice(1, None, 3),) * len(plane)], coarse, atol=1e-12)


def test_single_precision_sees_the_same_film():
    double = random_map(KEY, (16, 20), (3.0, 3.0), 6.0)
    with jax.enable_x64(False):
        single = random_map(KEY, (16, 20), (3.0, 3.0), 6.0)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, atol=1e-5)


def test_covariance():
    """exp(−r²/2ℓ²), zero mean, unit variance; within what 10⁴ independent patches leave of chance."""
    field = np.asarray(random_map(KEY, (512, 512), (1.0, 1.0), 6.0))
    covariance = np.real(np.fft.ifft2(np.abs(np.fft.fft2(field)) ** 2)) / field.size
    distances = np.arange(0, 18, 3)
    assert abs(field.mean()) < 1e-12
    np.testing.assert_allclose(covariance[0, distances], np.exp(-(distances**2) / 72), atol=0.03)
