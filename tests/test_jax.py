"""The JAX below computes small contractions alike with and without compilation; some releases do not on CPU."""

import jax
import jax.numpy as jnp
import pytest

from cells import random


@pytest.mark.parametrize("rows, columns, batch", [(2, 2, 1), (2, 3, 7), (3, 3, 64), (4, 6, 5), (8, 8, 33), (20, 5, 3)])
def test_matrix_times_vector_then_sum(rows, columns, batch):
    """Eager and compiled agree to 1e-12."""
    matrix, vector = random(0, rows, columns), random(1, columns, batch)
    functions = [lambda m, v: jnp.sum(m @ v), lambda m, v: jnp.sum(m @ v, axis=0), lambda m, v: jnp.sum((m @ v) ** 2)]
    for function in functions:
        eager, compiled = function(matrix, vector), jax.jit(function)(matrix, vector)
        assert jnp.max(jnp.abs(eager - compiled)) <= 1e-12 * (1 + jnp.max(jnp.abs(eager)))
