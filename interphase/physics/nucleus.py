"""One nucleus at its own scale, a few nanometres: the phase field whose energy is that of the classical nucleus.

    F[ξ] = ∫ { κ/2 |∇ξ|² + W ξ²(1−ξ)² − g h(ξ) } dV − γ cos θ ∫_wall q(ξ) dA
    κ = 3γλ,    W = 6γ/λ,    h = ξ³(6ξ² − 15ξ + 10),    q = ξ²(3 − 2ξ),    ∂ξ/∂t = −M δF/δξ

ξ: 1 in lithium, 0 outside; at rest ½[1 − tanh(d/λ)] with the energy γ per area; g = F|η|/Ω drives it. The wall's q
takes the share cos θ of that profile's own slope, which is Young's law. A front that g drives runs at 3λ M g, so that
surface energy and overpotential act on it in the ratio of Gibbs and Thomson. Any coherent units. It is no part of a
mesoscale run: there nuclei are placed.
Sources: Cahn, J. Chem. Phys. 66 (1977) 3667 (the wall); Allen & Cahn, Acta Metall. 27 (1979) 1085.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.boundary import MIRROR, pad
from interphase.grid.grid import Grid
from interphase.materials.substrate import Site
from interphase.units import FARADAY, GAS_CONSTANT

STABLE = 0.3  # of h²/2dMκ: what a step of Heun's method takes with differences of fourth order


def smooth_step(fraction: Array) -> Array:
    """h(ξ), flat at both ends, so that the driving force moves neither phase."""
    return fraction**3 * (6 * fraction**2 - 15 * fraction + 10)


def wall_step(fraction: Array) -> Array:
    """q(ξ): a wall that feels ξ so bends no profile; see the head of the file."""
    return fraction**2 * (3 - 2 * fraction)


class Nucleus(eqx.Module):
    """A nucleus in a box, on its lower wall or away from it.

    **Arguments:**

    - `surface_energy`: γ; `width`: λ, a few cells; `driving_force`: g; `mobility`: M.
    - `contact_angle`: θ on the lower wall; π/2 where the wall is but a plane of symmetry [rad].
    - `holds_volume`: g is then what keeps ∫h dV as it is, whatever `driving_force` says (static).
    """

    grid: Grid
    surface_energy: Scalar
    width: Scalar
    driving_force: Scalar
    mobility: Scalar
    contact_angle: Scalar
    holds_volume: bool = eqx.field(static=True, default=False)

    @property
    def gradient_coefficient(self) -> Array:
        """κ."""
        return 3 * self.surface_energy * self.width

    def surface_part(self, fraction: Cells) -> Array:
        """The energy but for what drives: interface, wall."""
        well = 6 * self.surface_energy / self.width * fraction**2 * (1 - fraction) ** 2
        slopes = sum(jnp.sum(slope**2) for slope in face_slopes(fraction, self.grid))
        bulk = (jnp.sum(well) + 0.5 * self.gradient_coefficient * slopes) * self.grid.cell_volume
        wetted = 1.5 * fraction[..., 0] - 0.5 * fraction[..., 1]
        wall = jnp.sum(wall_step(wetted)) * self.grid.cell_volume / self.grid.spacing[-1]
        return bulk - self.surface_energy * jnp.cos(self.contact_angle) * wall

    def energy(self, fraction: Cells) -> Array:
        """F[ξ]."""
        return self.surface_part(fraction) - self.driving_force * self.volume(fraction)

    def volume(self, fraction: Cells) -> Array:
        """∫h dV: of a sharp nucleus, its volume."""
        return jnp.sum(smooth_step(fraction)) * self.grid.cell_volume

    def speed(self, fraction: Cells) -> Cells:
        """∂ξ/∂t."""
        potential = jax.grad(self.surface_part)(fraction) / self.grid.cell_volume
        pull = jax.vmap(jax.grad(smooth_step))(fraction.ravel()).reshape(fraction.shape)
        force = jnp.sum(potential * pull) / jnp.sum(pull**2) if self.holds_volume else self.driving_force
        return -self.mobility * (potential - force * pull)

    @property
    def stable_step(self) -> Array:
        """The longest step of `relaxed`."""
        smallest = min(self.grid.spacing)
        return STABLE * smallest**2 / (self.grid.dim * self.mobility * self.gradient_coefficient)

    def relaxed(self, fraction: Cells, time: Array | float, num_steps: int) -> Cells:
        """ξ after `time`, by Heun's method."""
        dt = time / num_steps

        def step(_, fraction: Cells) -> Cells:
            first = self.speed(fraction)
            second = self.speed(fraction + dt * first)
            return fraction + 0.5 * dt * (first + second)

        return jax.lax.fori_loop(0, num_steps, step, fraction)


def face_slopes(fraction: Cells, grid: Grid) -> list[Array]:
    """∂ξ/∂x_a at faces between cells to fourth order; along the normal, of the faces inside the box."""
    slopes = []
    for axis in grid.axes:
        size, h = grid.shape[axis], grid.spacing[axis]
        padded = jnp.moveaxis(pad(fraction, grid.dim, MIRROR, MIRROR, layers=2), axis, -1)
        for other in range(grid.dim - 1):
            padded = jax.lax.slice_in_dim(padded, 2, padded.shape[other] - 2, axis=other)
        before, here, after, beyond = (padded[..., k : k + size] for k in range(1, 5))
        slope = (27 * (after - here) - (beyond - before)) / (24 * h)
        slopes.append(slope[..., :-1] if axis == -1 else slope)
    return slopes


def ball(grid: Grid, radius: Array | float, width: Array | float, centre: tuple[float, ...]) -> Cells:
    """½[1 − tanh(d/λ)] about `centre`, periodic in plane; a disc in 2-D."""
    apart = jnp.moveaxis(grid.cell_centres(), 0, -1) - jnp.asarray(centre)
    period = jnp.asarray([n * h for n, h in zip(grid.shape[:-1], grid.spacing[:-1], strict=True)])
    in_plane = apart[..., :-1] - period * jnp.round(apart[..., :-1] / period)
    distance = jnp.sqrt(jnp.sum(in_plane**2, axis=-1) + apart[..., -1] ** 2)
    return 0.5 * (1 - jnp.tanh((distance - radius) / width))


def linear_mobility(site: Site, width: Array | float) -> Array:
    """M at which a front moves as Butler and Volmer have it near equilibrium: 3λM = i₀₀ (Ω/F) Ω/RT [m³/(J s)]."""
    thermal = GAS_CONSTANT * site.temperature
    return site.exchange_current * site.molar_volume**2 / (3 * width * FARADAY * thermal)
