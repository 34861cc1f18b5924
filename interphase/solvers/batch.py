"""Many of the same computation: together where the machine is wide, one after another where it is not."""

from collections.abc import Callable

import jax
from jaxtyping import PyTree


def over_batch(function: Callable[[PyTree], PyTree], batch: PyTree, platform: str | None = None) -> PyTree:
    """`function` of every member of `batch`, stacked along the leading axis.

    On a CPU one after another: in a batch every iterative solve goes on until the slowest member has converged.

    **Arguments:**

    - `platform`: that it will run on; that of the default device if `None`.
    """
    device = jax.config.jax_default_device or jax.devices()[0]
    if (platform or device.platform) == "cpu":
        return jax.lax.map(function, batch)
    return jax.vmap(function)(batch)
