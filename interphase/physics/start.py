"""The box at time zero: a lithium surface, a coating of given thickness on it, stress-free but for the pressure.

    ξ = ½[1 − tanh(d/2w)],    ξ + f_c = ½[1 − tanh((d − t)/2w)],    depth = d/t

d is the true distance to the lithium surface z = s(y), so the coating has its thickness along the normal everywhere.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.grid.grid import Grid

CLOSEST_POINT_STEPS = 40


class Surface(eqx.Module):
    """A periodic lithium surface z = s(y): a level, Gaussian bumps, cosine waves. SI.

    **Arguments:**

    - `level`: [m].
    - `bump_height` [m], `bump_radius` [m] (standard deviation), `bump_centre`: per bump and in-plane axis [m].
    - `wave_height` [m], `wave_vector`: per wave and in-plane axis [1/m], `wave_phase` [-].
    - `period`: of the box per in-plane axis [m].
    """

    level: Array
    bump_height: Float[Array, " bumps"]
    bump_radius: Float[Array, " bumps"]
    bump_centre: Float[Array, "bumps axes"]
    wave_height: Float[Array, " waves"]
    wave_vector: Float[Array, "waves axes"]
    wave_phase: Float[Array, " waves"]
    period: tuple[float, ...] = eqx.field(static=True)

    def height(self, position: Float[Array, " axes"]) -> Array:
        """s(y) at one in-plane position [m]."""
        total = self.level + jnp.sum(
            self.wave_height * jnp.cos(self.wave_vector @ position + self.wave_phase)
        )
        # exp(cos) is the periodic twin of the Gaussian: same curvature at the crest, smooth across the seam.
        wavenumber = 2 * jnp.pi / jnp.asarray(self.period)
        phase = wavenumber * (position - self.bump_centre)
        exponent = jnp.sum((jnp.cos(phase) - 1) / wavenumber**2, axis=-1) / self.bump_radius**2
        return total + jnp.sum(self.bump_height * jnp.exp(exponent))

    def closest(self, point: Float[Array, " dim"]) -> tuple[Array, Array]:
        """Signed distance of a point, positive above the surface, and the in-plane position it is closest to [m]."""
        slope = jax.grad(self.height)
        target, level = point[:-1], point[-1]

        def improve(_, foot):
            # Damped fixed point of (y − x) + (s(y) − z) s'(y) = 0.
            moved = target - (self.height(foot) - level) * slope(foot)
            return 0.5 * foot + 0.5 * moved

        foot = jax.lax.stop_gradient(jax.lax.fori_loop(0, CLOSEST_POINT_STEPS, improve, target))
        gradient = slope(foot)
        upward = jnp.append(-gradient, 1.0) / jnp.sqrt(1 + jnp.sum(gradient**2))
        return upward @ (point - jnp.append(foot, self.height(foot))), foot


def distance_to_surface(surface: Surface, grid: Grid, length: float) -> tuple[Array, Array]:
    """Signed distances of all cell centres [-] and the in-plane positions of their closest points [-]."""
    points = jnp.moveaxis(grid.cell_centres(), 0, -1).reshape(-1, grid.dim) * length
    distance, foot = jax.lax.map(surface.closest, points, batch_size=4096)
    return (
        distance.reshape(grid.shape) / length,
        jnp.moveaxis(foot.reshape(*grid.shape, grid.dim - 1), -1, 0) / length,
    )


def step_down(distance: Array, width: float) -> Array:
    """½[1 − tanh(d/2w)]: one below a surface, zero above it."""
    return 0.5 * (1 - jnp.tanh(distance / (2 * width)))
