"""The inverse of the discrete Laplacian."""

import jax.numpy as jnp
import numpy as np
import pytest

from cells import random
from interphase.grid.grid import Grid
from interphase.grid.poisson import inverse_laplacian
from interphase.grid.stencils import difference_to_faces, divergence


@pytest.mark.parametrize("grid", [Grid((6, 9), (0.7, 1.0)), Grid((4, 5, 8), (0.7, 1.3, 1.0))], ids=["2-D", "3-D"])
def test_its_laplacian_is_what_was_asked_for(grid):
    """To round-off, and of mean zero; a mean, which nothing answers to, is left out."""
    right_side = random(0, *grid.shape) + 3.0
    found = inverse_laplacian(right_side, grid)
    laplacian = divergence(jnp.stack([difference_to_faces(found, grid, a) for a in grid.axes]), grid)
    np.testing.assert_allclose(laplacian, right_side - jnp.mean(right_side), atol=1e-12)
    assert abs(float(jnp.mean(found))) < 1e-13
