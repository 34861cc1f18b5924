"""A coating as functions of its own material coordinates: layers, gradients along the depth, defects in plane.

A property at depth s ∈ [0, 1] (0 inner, 1 outer) and material position y in plane is

    p(s, y) = Σ_layers H_l(s) p_l(s_l) · exp(a_p g(y))

with smooth windows H_l that sum to one, the layer's own profile p_l (one number, or control points from its inner to
its outer face, interpolated linearly), and a zero-mean, unit-variance map g of lateral defects with log-amplitude a_p.
Conductivities join in series across layers (resistivities add), moduli in parallel.
What only an alloy has joins by how much lithium every layer holds.
"""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Cells, Scalar
from interphase.materials.mosaic import Mosaic

Profile = Float[Array, " _points"]  # every property has its own number of them
NEXT_TO_NONE = 1.0  # [C/m³] a capacity so small that it is no alloy's


class Alloy(eqx.Module):
    """What a layer takes up and gives back; every property is a profile as those of `Layer`. SI.

    **Arguments:**

    - `capacity`: charge of the lithium that fills it, per volume of layer without lithium [C/m³].
    - `potential`: against lithium when it is half full; `width`: w of its isotherm [V].
    - `swelling`: volume it gains when it is filled, over that without lithium [-].
    - `occupancy`: x at the start [-].
    """

    capacity: Profile
    potential: Profile
    width: Profile
    swelling: Profile
    occupancy: Profile


class Layer(eqx.Module):
    """One layer; every property is a profile of one or more control points, inner face first. SI.

    **Arguments:**

    - `thickness`: [m]; a single number.
    - `modulus` [Pa], `poisson_ratio` [-], `ionic_conductivity` [S/m].
    - `transference_number`: of lithium; 1 for a single-ion conductor, which dissolves no salt [-].
    - `salt_diffusivity`: [m²/s]; only where the transference number is below one.
    - `exchange_current`: against lithium [A/m²].
    - `yield_strength` [Pa], `relaxation_time` [s]: infinite for none.
    - `relaxed_fraction`: share of the modulus that never relaxes [-].
    - `strain_limit` [-], `strength` [Pa], `toughness` [J/m²]: what the outputs compare with; infinite where unknown.
    - `tunnelling_thickness`: that all but ends tunnelling of electrons, infinite where unknown [m].
    - `electronic_conductivity`: next to none where unknown [S/m].
    - `alloy`: what takes up lithium, or `None`.
    """

    thickness: Scalar
    modulus: Profile
    poisson_ratio: Profile
    ionic_conductivity: Profile
    transference_number: Profile
    salt_diffusivity: Profile
    exchange_current: Profile
    yield_strength: Profile
    relaxation_time: Profile
    relaxed_fraction: Profile
    strain_limit: Profile
    strength: Profile
    toughness: Profile
    tunnelling_thickness: Profile
    electronic_conductivity: Profile
    alloy: Alloy | None = None


class Fracture(eqx.Module):
    """How a coating breaks; its layers' toughness is what that costs.

    **Arguments:**

    - `length`: ℓ over which damage spreads [m].
    - `is_brittle`: elastic up to its strength (AT1); otherwise it softens from the first load on (AT2).
    - `healing_time`: in which closed cracks lose all but 1/e of their damage [s], or `None` if they never heal.
    """

    length: Scalar
    is_brittle: bool = eqx.field(static=True)
    healing_time: Scalar | None = None


class Coating(eqx.Module):
    """Layers from the lithium outward, and lateral defects.

    **Arguments:**

    - `yields`, `relaxes`, `has_equilibrium`: which laws any layer needs (static).
    - `has_strain_limit`, `has_strength`, `has_toughness`: every layer's is known (static).
    - `fracture`: or `None` where it never breaks.
    - `tunnelling_current`: of electrons through the tunnelling thickness [A/m²], or `None` where a layer's is unknown.
    """

    layers: tuple[Layer, ...]
    mosaic: Mosaic | None
    yields: bool = eqx.field(static=True)
    relaxes: bool = eqx.field(static=True)
    has_equilibrium: bool = eqx.field(static=True)
    has_strain_limit: bool = eqx.field(static=True, default=False)
    has_strength: bool = eqx.field(static=True, default=False)
    has_toughness: bool = eqx.field(static=True, default=False)
    fracture: Fracture | None = None
    tunnelling_current: Scalar | None = None

    @property
    def thickness(self) -> Array:
        return sum((layer.thickness for layer in self.layers), jnp.zeros_like(self.layers[0].thickness))

    def boundaries(self) -> Array:
        """Depths at which one layer ends and the next begins."""
        return jnp.cumsum(jnp.stack([layer.thickness for layer in self.layers]))[:-1] / self.thickness

    @property
    def is_alloy(self) -> bool:
        """Whether any layer takes up lithium."""
        return any(layer.alloy is not None for layer in self.layers)

    def compliance(self) -> Array:
        """⟨1/E⟩ through the thickness [1/Pa]; of a profile, the mean over its control points."""
        parts = [layer.thickness * jnp.mean(1 / layer.modulus) for layer in self.layers]
        return sum(parts, jnp.zeros_like(parts[0])) / self.thickness

    def property(self, name: str, depth: Cells, blend: float | Array, join: str = "parallel") -> Cells:
        """A layer property at material depths.

        **Arguments:**

        - `blend`: width over which layers join, as a share of the thickness.
        - `join`: `"parallel"` mixes values, `"series"` mixes their inverses.
        """
        total = jnp.zeros_like(depth)
        for layer, share, position in self._windows(depth, blend):
            value = along_profile(getattr(layer, name), position)
            total = total + share * (1 / value if join == "series" else value)
        return 1 / total if join == "series" else total

    def alloy_property(self, name: str, depth: Cells, blend: float | Array, per_capacity: bool = False) -> Cells:
        """What only an alloy has, at material depths; zero where there is none.

        **Arguments:** `per_capacity`: the mean over the lithium that the layers can hold; otherwise over the layers.
        """
        total, held = jnp.zeros_like(depth), jnp.zeros_like(depth)
        for layer, share, position in self._windows(depth, blend):
            if layer.alloy is None:
                continue
            weight = share * along_profile(layer.alloy.capacity, position) if per_capacity else share
            total = total + weight * along_profile(getattr(layer.alloy, name), position)
            held = held + weight
        return total / (held + NEXT_TO_NONE) if per_capacity else total

    def _windows(self, depth: Cells, blend: float | Array) -> Iterator[tuple[Layer, Cells, Cells]]:
        """The layers, the share of each at material depths, and where in it they are."""
        ends = self.boundaries()
        above = [jnp.ones_like(depth)] + [jax.nn.sigmoid((depth - end) / blend) for end in ends]
        inner = jnp.zeros(())
        for k, layer in enumerate(self.layers):
            share = above[k] - (above[k + 1] if k + 1 < len(above) else 0.0)
            width = layer.thickness / self.thickness
            yield layer, share, (depth - inner) / width
            inner = inner + width


def along_profile(profile: Profile, position: Array) -> Array:
    """Linear interpolation between equally spaced control points; constant beyond the ends."""
    if profile.shape[0] == 1:
        return jnp.broadcast_to(profile[0], position.shape)
    points = jnp.clip(position, 0.0, 1.0) * (profile.shape[0] - 1)
    hats = [jnp.maximum(1 - jnp.abs(points - k), 0.0) for k in range(profile.shape[0])]
    return sum((hat * profile[k] for k, hat in enumerate(hats)), jnp.zeros_like(points))
