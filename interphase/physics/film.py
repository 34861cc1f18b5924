"""The native film (SEI): thinner than the grid, it lives on the lithium surface, grows, stretches, breaks and regrows.

    1/i_s = 1/i_b + 1/(i_t e^{−40(L/L_t − 1)} + κ_el U/L) + Q M/(F c D ϑ)
    ∂L/∂t = s v_i i_s,    ∂M/∂t = (1−s) v_o i_s

L is the inner, inorganic layer, M the outer, organic one without its solvent; in the electrolyte that is Q times as
thick and the solvent φ = 1 − 1/Q of it, through which things get with ϑ = φ [φ/(2−φ)]², its share times the
obstruction of a swollen polymer (Mackie & Meares, Proc. R. Soc. A 232 (1955) 498). v: volume of film over that of the
lithium in it. i_s, the side current, turns lithium into film. It takes in series the reaction, which bare lithium has
no more than i_b of; electrons, which tunnel through the inner layer and, beside that, are conducted by it under the
potential U at which solvent is reduced; and solvent, which diffuses through what the outer layer holds of it. So L
soon ends where tunnelling does, then goes on as √t. i_s is all but independent of the overpotential, which U exceeds
by far.

L_t, the critical thickness against tunnelling, is where its probability is e^{−40} (assumed: with the 20.3 Å of LiF,
Lin et al. 2016, that is a barrier of 3.7 eV).

**Stretch.** The film moves with what rides on the lithium. T is its strain in the surface, e = tr T, and

    b = f(T₁) (1 − e^{−e}),    f rising smoothly from 0 at the strain limit to 1 where nothing holds together

the share of the surface that it leaves bare: a whole film is thinner by what it is stretched, a broken one opens gaps.
Bare lithium corrodes with i_b; once covered with L_t it is film again, without strain, as all that grows is.

Numbers non-dimensional: lengths in cells, current densities and times in units of `Scales`. i_s > 0 makes film.
Sources: Single, Latz & Horstmann, ChemSusChem 11 (2018) 1950 (what limits growth); Yoon et al. 2020 (strains).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors, Scalar, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import centre_gradient, smooth, summed
from interphase.materials.film import Film
from interphase.physics.interface import smooth_step
from interphase.physics.principal import largest_principal
from interphase.state import FilmState
from interphase.units import FARADAY, Scales

CRITICAL = 40.0  # −ln of the probability of tunnelling through the critical thickness
BISECTIONS = 32
THINNEST = 1e-6  # [cells] of a layer that conducts electrons
TRACE = 1e-12  # of the surface, exposed everywhere: keeps logarithms finite
FAINT = 1e-9  # surface per volume below which nothing strains


class Growth(eqx.Module):
    """The growth law of a film.

    **Arguments:**

    - `bare`: i_b; `tunnelling`: i_t; `critical`: L_t; `leaking`: κ_el U; `supply`: F c D ϑ; `swelling`: Q.
    - `inner`, `outer`: s v_i, (1−s) v_o.
    """

    bare: Scalar
    tunnelling: Scalar
    critical: Scalar
    leaking: Scalar
    supply: Scalar
    swelling: Scalar
    inner: Scalar
    outer: Scalar

    @staticmethod
    def of(film: Film, scales: Scales) -> "Growth":
        conductance = scales.current_density * scales.length
        supply = FARADAY * film.solvent_concentration * film.solvent_diffusivity * openness(film)
        return Growth(
            bare=film.bare_current / scales.current_density,
            tunnelling=film.tunnelling_current / scales.current_density,
            critical=film.tunnelling_thickness / scales.length,
            leaking=film.electronic_conductivity * film.reduction_potential / conductance,
            supply=supply / conductance,
            swelling=film.swelling,
            inner=film.inorganic_share * film.inner_molar_volume / scales.molar_volume,
            outer=(1 - film.inorganic_share) * film.outer_molar_volume / scales.molar_volume,
        )

    def log_resistance(self, inner: Cells, outer: Cells) -> Cells:
        """ln(1/i_s): a film of nanometres holds electrons back by a hundred powers of ten."""
        leaking = jnp.log(self.leaking) - jnp.log(inner + THINNEST)
        electrons = -log_electrons(jnp.log(self.tunnelling), inner / self.critical, leaking)
        rest = jnp.log(1 / self.bare + self.swelling * outer / self.supply)
        return jnp.logaddexp(electrons, rest)

    def side_current(self, inner: Cells, outer: Cells) -> Cells:
        """i_s through a whole film."""
        return jnp.exp(-self.log_resistance(inner, outer))

    def charge(self, inner: Cells, outer: Cells, dt: Cells) -> Cells:
        """q = ∫ i_s dt over a step, by the film at its end: q = Δt i_s(L + s v_i q, M + (1−s) v_o q).

        A bisection for ln q in single precision, which the exponent of tunnelling cannot mislead, then two steps of
        Newton's method; the last alone carries the derivative.
        """

        def amiss(growth, log_charge, inner, outer, dt):
            q = jnp.exp(log_charge)
            resistance = growth.log_resistance(inner + growth.inner * q, outer + growth.outer * q)
            return log_charge + resistance - jnp.log(dt)

        held = jax.lax.stop_gradient((self, inner, outer, dt))
        single = jax.tree.map(lambda x: x.astype(jnp.float32), held)
        most = jnp.log(single[3]) - single[0].log_resistance(*single[1:3])
        least = most - amiss(single[0], most, *single[1:])  # the slope is at least one

        def halved(_, bounds):
            lower, upper = bounds
            middle = 0.5 * (lower + upper)
            is_above = amiss(single[0], middle, *single[1:]) > 0
            return jnp.where(is_above, lower, middle), jnp.where(is_above, middle, upper)

        lower, upper = jax.lax.fori_loop(0, BISECTIONS, halved, (least, most))
        guess = (0.5 * (lower + upper)).astype(dt.dtype)
        for of in (held, (self, inner, outer, dt)):
            growth, *rest = of
            _, slope = jax.jvp(lambda u: amiss(held[0], u, *held[1:]), (guess,), (jnp.ones_like(guess),))
            guess = guess - amiss(growth, guess, *rest) / slope
        return jnp.exp(guess)


def log_electrons(log_tunnelling: Array, critical_thicknesses: Cells, log_conducted: Cells) -> Cells:
    """ln of the electrons that pass a film: what tunnels, e^{−40(τ−1)} of a current, and what is conducted beside it.

    **Arguments:** `critical_thicknesses`: τ, how many L_t the film is thick.
    """
    return jnp.logaddexp(log_tunnelling + CRITICAL * (1 - critical_thicknesses), log_conducted)


def openness(film: Film) -> Scalar:
    """ϑ: what passes through the solution in the outer layer over what would through as much of it alone."""
    share = 1 - 1 / film.swelling
    return share * (share / (2 - share)) ** 2


class Coverage(eqx.Module):
    """The film per area of lithium.

    **Arguments:**

    - `stretch`: e; `bare`: b, the share of the surface without film [-].
    """

    stretch: Cells
    bare: Cells

    @staticmethod
    def of(film: Film, strain: Stresses, grid: Grid) -> "Coverage":
        stretch = summed(strain[:3])
        broken = smooth_step(largest_principal(strain, grid), film.strain_limit, film.broken_strain)
        return Coverage(stretch, broken * -jnp.expm1(-jnp.maximum(stretch, 0.0)))


def stretched(film: Film, state: FilmState, strain: Stresses, grid: Grid) -> FilmState:
    """The film when the surface has been strained by so much more; its volume stays."""
    before, after = Coverage.of(film, state.strain, grid), Coverage.of(film, state.strain + strain, grid)
    thinner = jnp.exp(before.stretch - after.stretch) * (1 - before.bare) / (1 - after.bare)
    return eqx.tree_at(
        lambda s: (s.inner, s.outer, s.strain),
        state,
        (state.inner * thinner, state.outer * thinner, state.strain + strain),
    )


def grown(
    film: Film, state: FilmState, exposed: Cells, dt: Scalar, scales: Scales, grid: Grid
) -> tuple[FilmState, Cells]:
    """The film after a step, and what it took on: the mean side current density of the surface.

    **Arguments:** `exposed`: the share of the surface that solvent comes to.
    """
    growth = Growth.of(film, scales)
    time = dt * (exposed + TRACE)
    before = Coverage.of(film, state.strain, grid)
    mending = growth.inner * growth.bare / growth.critical * before.bare / (1 - before.bare)
    strain = state.strain * jnp.exp(-mending * time / jnp.maximum(before.stretch, film.strain_limit))
    mended = Coverage.of(film, strain, grid)
    covered = before.bare - mended.bare
    whole = 1 - mended.bare
    inner = ((1 - before.bare) * state.inner + covered * growth.critical) / whole
    outer = ((1 - before.bare) * state.outer + covered * growth.critical * growth.outer / growth.inner) / whole
    charge = growth.charge(inner, outer, time)
    thicker = inner + growth.inner * charge
    strain = strain * (inner + THINNEST) / (thicker + THINNEST)  # what is new is without strain
    closed = whole / (1 - Coverage.of(film, strain, grid).bare)
    passed = covered * growth.critical / growth.inner + whole * charge
    state = eqx.tree_at(
        lambda s: (s.inner, s.outer, s.strain),
        state,
        (closed * thicker, closed * (outer + growth.outer * charge), strain),
    )
    return state, passed / dt


def resistance(film: Film, state: FilmState, exchange_current: Cells, scales: Scales, grid: Grid) -> Cells:
    """R_film of the rate law: both layers in series, beside what is bare.

        R = R_ct (1−b) R_f/(R_ct + b R_f),    R_ct = 1/i₀₀

    which for small overpotentials is what film and bare lithium side by side pass.
    """
    unit = scales.conductivity
    outer_conductivity = film.outer_conductivity * openness(film)
    whole = state.inner * unit / film.inner_conductivity + film.swelling * state.outer * unit / outer_conductivity
    bare = Coverage.of(film, state.strain, grid).bare
    return (1 - bare) * whole / (1 + bare * whole * exchange_current)


def surface_strain(velocity: CellVectors, normal: CellVectors, area: Cells, grid: Grid) -> Stresses:
    """P D P: how fast the surface is strained by a velocity, the mean across the interface; held as a stress is.

    **Arguments:** `area`: surface per volume.
    """
    gradient = jnp.stack([centre_gradient(component, grid) for component in velocity])
    rate = 0.5 * (gradient + jnp.swapaxes(gradient, 0, 1))
    along = jnp.stack([summed(row * normal) for row in rate])
    across = summed(along * normal)
    dim = grid.dim

    def component(a: int, b: int) -> Cells:
        mixed = normal[a] * along[b] + along[a] * normal[b]
        return rate[a, b] - mixed + across * normal[a] * normal[b]

    parts = [component(a, a) for a in range(dim)]
    if dim == 2:
        parts.append(jnp.zeros_like(across))
    parts += [component(a % dim, b % dim) for a, b in grid.pairs]
    return smooth(area * jnp.stack(parts), grid, 3) / (smooth(area, grid, 3) + FAINT)
