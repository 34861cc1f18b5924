"""Carried phases: fractions move with the material, keep their tanh profile, and lose nothing.

    ∂f/∂t + ∇·(f v_f) = s_f + ∇·Γ[w∇f − f(1−f) ∇ψ/|∇ψ|]

The right-hand flux (accurate conservative diffuse interface, Jain, J. Comput. Phys. 469 (2022) 111529) holds the
profile f = ½[1+tanh(ψ/2w)]; being a flux it conserves. Sources: s = (Ω/F) i δ of lithium, and what swells.

**Layers.** The flux knows bodies with one surface; a film of a few cells between two of them it would pull back
against the motion (measured: by 8 % of it at six cells, 0.4 % at twelve). So it acts on what lies up to and including
each phase, from the lithium outward, and a phase takes the difference: what sharpens the lithium's surface sharpens the
inner face of the coating, and the two can neither overlap nor part.

**Drift.** Inside the diffuse interface the material velocity v is the volume average of lithium at rest and of what it
lifts at the plating speed V = (Ω/F) i. Each phase moves with its own velocity,

    all else    v + g V n          lithium    v − (1−ξ)/ξ g V n,

which sums to v. With the plated volume spread as δ = |∇g|, a flat coating then moves at V to the last of its tail, and
the lithium's profile at V, too. Without it the mixed cells move slower than the coating and leave droplets of it behind
in the lithium. The plated lithium itself is at rest: what it remembers moves with v − (1−g) V n.

**Gaps.** Where lithium and what rides on it may part, all that is beneath the latter, lithium and void together, takes
the place of the lithium: in contact nothing changes, and a face that is no longer touched keeps its own profile. Of
what moves there the lithium has its share.

Properties that belong to the material (stress, strain, material coordinates) follow ∂q/∂t + v_f·∇q = 0.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors, Faces, Stresses
from interphase.grid.boundary import MIRROR, before, pad, window
from interphase.grid.grid import Grid
from interphase.grid.stencils import (
    average_to_cells,
    average_to_faces,
    centre_gradient,
    difference_to_faces,
    divergence,
    inverse_spacing,
)
from interphase.physics.interface import continued_from, face_normals, odds, smooth_step

STABLE_SHARPENING = 0.1  # Γ w Δt/h² of one substep; at 0.25 the crest goes unstable while everything looks smooth
POOR_FOURTH = 0.0625  # fraction to the fourth, 0.5, below which a cell is poor in a phase
NEARLY_NONE = (
    0.05  # of what is beneath the solids that ride: where there is less, it is not moved by what only makes up
)
OPEN = 0.25  # void fraction from which on lithium beside what rides keeps a profile of its own
BESIDE = (1e-4, 1e-2)  # fraction of what rides from which on, and in full, lithium is beside it
AMONG = (0.4, 0.8)  # fraction of what rides from which on, and in full, excess lithium has strayed
HELD = "held"
STORED = "stored"
LEAST = 1e-6  # of what holds something in a cell that has a share to take along
FORGETTING = 4.0  # how often a cell poor in a phase takes its neighbours' value while an interface moves by a cell


def inward_normals(fraction: Cells, width: float, grid: Grid) -> Faces:
    """The component of ∇ψ/|∇ψ| along each face's own axis."""
    normals = face_normals(fraction, width, grid)
    return jnp.stack([-normal[a] for a, normal in zip(grid.axes, normals, strict=True)])


def sharpening_flux(fraction: Cells, inward: Faces, strength: Array, width: float, grid: Grid) -> Faces:
    """Flux −Γ[w∇f − f(1−f) ∇ψ/|∇ψ|] through lower faces, positive upward; none through walls.

    The bell f(1−f) of a face is that of the mean of the distances beside it, ¼ sech²(ψ/2w) = s/(1+s)² with s = e^{ψ/w}.
    """
    ratio = odds(fraction)
    fluxes = []
    for a, normal in zip(grid.axes, inward, strict=True):
        s = jnp.sqrt(ratio * before(ratio, a, MIRROR))
        flux = -strength * (width * difference_to_faces(fraction, grid, a) - normal * s / (1 + s) ** 2)
        fluxes.append(flux.at[..., 0].set(0.0) if a == -1 else flux)
    return jnp.stack(fluxes)


def stacked(fractions: dict[str, Cells], outward: tuple[str, ...]) -> dict[str, Cells]:
    """Of every phase, all up to and including it."""
    return dict(zip(outward, itertools.accumulate(fractions[name] for name in outward), strict=True))


def transport(
    fractions: dict[str, Cells],
    velocity: Faces,
    plate_velocity: Array,
    lift: Faces,
    source: Cells,
    strength: Array,
    dt: Array,
    width: float,
    grid: Grid,
    substeps: int,
    yielding: Faces | None = None,
    apart: Faces | None = None,
    held: Cells | None = None,
    held_source: Cells | None = None,
    stored: Cells | None = None,
    stored_source: Cells | None = None,
    swelling: Cells | None = None,
) -> dict[str, Cells]:
    """Moves all fractions over one step: SSPRK(s, 2) of s = `substeps` + 1 stages, second order.

    It is one more Euler step of a `substeps`-th than the time step holds, averaged with the start so that it ends at
    its end: as stable as those, and what keeps them within bounds keeps the result there.
    Source: Ketcheson, SIAM J. Sci. Comput. 30 (2008) 2113.

    **Arguments:**

    - `fractions`: by name, from the lithium outward; `"lithium"` is the one that grows.
    - `lift`: g V n on faces, by which what rides on the lithium is faster than the mixture.
    - `source`: growth rate of the lithium fraction, held where it is over the step, as the velocity is.
    - `strength`: Γ.
    - `yielding`: the part of the lift that the lithium makes room for; all of it if `None`.
    - `apart`: where a gap may open between lithium and what rides on it: g V n without what makes up for the grid.
    - `held`: what the lithium holds per volume of the box, and `held_source`, its source; the lithium takes it along.
      It is returned as `HELD`.
    - `stored`, `stored_source`: the same of the coating, returned as `STORED`; `swelling`: what it gains of volume.

    The normals along which profiles are kept are those at the start: within a step interfaces hardly turn.
    """
    yielding = lift if yielding is None else yielding
    outward = tuple(fractions)  # the order; JAX sorts the names of what it loops over

    def shown(fractions):
        """The fractions; where a gap may open, all that is beneath what rides in the place of the lithium."""
        if apart is None:
            return fractions
        return fractions | {"lithium": 1 - sum((fractions[name] for name in outward[1:]), jnp.zeros_like(source))}

    inward = {name: inward_normals(body, width, grid) for name, body in stacked(shown(fractions), outward).items()}
    inward_lithium = None if apart is None else inward_normals(fractions["lithium"], width, grid)

    def rates(fractions):
        out = {}
        below = jnp.zeros_like(velocity)
        whole = shown(fractions)
        # Barriers: the derivatives of these would be computed again for every neighbour.
        bodies = jax.lax.optimization_barrier(stacked(whole, outward))
        for name in outward:
            fraction = fractions[name]
            faces = jnp.stack([average_to_faces(fraction, a) for a in grid.axes])
            sharpening = sharpening_flux(bodies[name], inward[name], strength, width, grid)
            if name != "lithium":
                flux = faces * (velocity + lift) + sharpening - below
            elif apart is None or inward_lithium is None:
                flux = faces * velocity + (faces - 1) * yielding + sharpening
            else:
                flux = faces * velocity + _beneath(
                    fraction, whole[name], lift, apart, sharpening, inward[name], inward_lithium, strength, width, grid
                )
            sharpening, flux = jax.lax.optimization_barrier((sharpening, flux))
            below = sharpening
            leaving = (fraction[..., -1] * plate_velocity)[..., None]
            out[name] = -divergence(flux, grid, above=leaving)
            if name == "lithium" and held_source is not None:
                out[HELD] = held_source - divergence(_taken_along(fractions[HELD], fraction, flux, grid), grid)
            if name == "coating" and stored_source is not None and swelling is not None:
                taken = _taken_along(fractions[STORED], fraction, flux, grid, jnp.inf)
                out[STORED] = stored_source - divergence(taken, grid)
                out[name] = out[name] + swelling
        out["lithium"] = out["lithium"] + source
        return jax.lax.optimization_barrier(out)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def euler(_, fractions):
        change = rates(fractions)
        return {name: f + dt / substeps * change[name] for name, f in fractions.items()}

    start = fractions if held is None else fractions | {HELD: held}
    start = start if stored is None else start | {STORED: stored}
    beyond = jax.lax.fori_loop(0, substeps + 1, euler, start)  # as far beyond the end as the last step takes
    return {name: (start[name] + substeps * beyond[name]) / (substeps + 1) for name in start}


def _taken_along(held: Cells, holder: Cells, flux: Faces, grid: Grid, most: float = 1.0) -> Faces:
    """Flux of what a phase holds: its share of the phase upstream, at `most`; none through the walls."""
    share = jnp.clip(held / jnp.maximum(holder, LEAST), 0.0, most)
    return jnp.stack(
        [f * jnp.where(f > 0, before(share, a, MIRROR), share) for a, f in zip(grid.axes, flux, strict=True)]
    )


def _beneath(
    lithium: Cells,
    beneath: Cells,
    lift: Faces,
    apart: Faces,
    sharpening: Faces,
    inward: Faces,
    inward_lithium: Faces,
    strength: Array,
    width: float,
    grid: Grid,
) -> Faces:
    """Flux of lithium beside what it moves with, where void may be beside it beneath what rides.

    Lithium has its share of all that is `beneath` in what lifts the faces and keeps their profile, and keeps its own
    profile against the void. A gap much thinner than a cell is a share a little below one, and no surface of its own.
    What strays among the solids that ride is driven back along their normal.
    """

    def on_face(cells):
        return jnp.stack([average_to_faces(cells, a) for a in grid.axes])

    share = jnp.clip(lithium / jnp.clip(beneath, 1e-12, None), 0.0, 1.0)
    below = on_face(beneath)
    reach = jnp.clip(below / NEARLY_NONE, 0.0, 1.0)
    lifted = (below - 1) * (apart + reach * (lift - apart))
    gap = 1 - smooth_step((1 - share) * beneath, 0.0, OPEN)
    surface = on_face(beneath * (1 - gap * smooth_step(1 - beneath, *BESIDE)))
    own = sharpening_flux(share, inward_lithium, strength, width, grid)
    strayed = (lithium - share * beneath) * smooth_step(1 - beneath, *AMONG)
    upwind = jnp.stack(
        [jnp.where(n > 0, before(strayed, a, MIRROR), strayed) * n for a, n in zip(grid.axes, inward, strict=True)]
    )
    return on_face(share) * (lifted + sharpening) + surface * own + strength * upwind.at[-1, ..., 0].set(0.0)


def advected(properties: Array, velocity: CellVectors, dt: Array, grid: Grid) -> Array:
    """Properties of the material after `dt`: third-order upwind differences, Heun's method.

    **Arguments:**

    - `properties`: any number of component axes, then the grid axes. They go one by one: so each fits into the caches,
      and the derivative takes a sixth of the time and of the memory.
    - `velocity`: of the phase that owns them, in cells.
    """

    def rate(q):
        total = jnp.zeros_like(q)
        padded = pad(q, grid.dim, MIRROR, MIRROR, layers=2)
        for a, speed in zip(grid.axes, velocity, strict=True):
            if grid.shape[a] == 1:
                continue
            down_two, down, up, up_two = (window(padded, grid.dim, {a: k}, layers=2) for k in (-2, -1, 1, 2))
            central = (8 * (up - down) - (up_two - down_two)) / 12
            fourth = (up_two + down_two - 4 * (up + down) + 6 * q) / 12
            total = total - (speed * central + jnp.abs(speed) * fourth) * inverse_spacing(grid, a)
        return jax.lax.optimization_barrier(total)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def heun(q):
        first = rate(q)
        return q + 0.5 * dt * (first + rate(q + dt * first))

    return jax.lax.map(heun, properties.reshape(-1, *grid.shape)).reshape(properties.shape)


def carried(
    tensors: list[Stresses],
    scalars: list[Cells],
    fraction: Cells,
    velocity: CellVectors,
    moved: Array,
    dt: Array,
    grid: Grid,
) -> tuple[list[Stresses], list[Cells]]:
    """What belongs to a phase, moved with it: tensors turn and are continued beyond the phase, scalars only move.

    **Arguments:** `moved`: how far interfaces move in the step, in cells.
    """
    stacked = jax.lax.optimization_barrier(extended(jnp.stack(tensors), fraction, moved, grid))
    turned = [rotated(tensor, velocity, dt, grid) for tensor in stacked]
    moved = advected(jnp.concatenate([*turned, jnp.stack(scalars)] if scalars else turned), velocity, dt, grid)
    size = tensors[0].shape[0]
    return [moved[k * size : (k + 1) * size] for k in range(len(tensors))], list(moved[len(tensors) * size :])


def cell_velocity(velocity: Faces, plate_velocity: Array, grid: Grid) -> CellVectors:
    return jnp.stack(
        [
            average_to_cells(component, a, plate_velocity if a == -1 else 0.0)
            for a, component in zip(grid.axes, velocity, strict=True)
        ]
    )


def extended(properties: Array, fraction: Cells, moved: Array, grid: Grid, passes: int = 2) -> Array:
    """Properties continued a few cells beyond their phase, where the phase's own law has nothing to say.

    As interfaces move, cells poor in the phase take the fraction-weighted mean of their neighbours; rich cells keep
    their value; where the phase is not, the property fades to zero. Without it, the foot of a stiff film is strained
    with the lithium that flows along it, for as long as it does, and stresses the film by far more than lithium bears.
    """
    weight = jnp.clip(fraction, 0.0, 1.0) ** 2
    kept_per_cell = (weight**2 + 1e-12) / (weight**2 + POOR_FOURTH)
    kept = jnp.exp(FORGETTING * moved * jnp.log(kept_per_cell))
    return continued_from(weight, kept, properties, grid, passes)


def rotated(stress: Stresses, velocity: CellVectors, dt: Array, grid: Grid) -> Stresses:
    """Stress (or strain held like one) turned by the spin of the material: Jaumann's rate."""
    gradient = {b: centre_gradient(component, grid) for b, component in zip(grid.axes, velocity, strict=True)}
    index = {a: i for i, a in enumerate(grid.axes)}
    pairs = {pair: 3 + k for k, pair in enumerate(grid.pairs)}

    def component(a, b):
        return stress[index[a]] if a == b else stress[pairs[min(a, b), max(a, b)]]

    def spin(a, b):  # W_ab = ½(∂_b v_a − ∂_a v_b)
        return 0.5 * (gradient[a][index[b]] - gradient[b][index[a]])

    change = jnp.zeros_like(stress)
    for a in grid.axes:
        for b in grid.axes:
            if b < a:
                continue
            rate = sum(spin(a, c) * component(c, b) - component(a, c) * spin(c, b) for c in grid.axes)
            change = change.at[index[a] if a == b else pairs[a, b]].set(rate)
    return stress + dt * change
