"""The material frontier: what chemistry ties together. An optimiser may not combine what no material combines.

    κ_max(E) = smoothmax_c  K_c (E/E₀)^{−b} · 10^{−S·(decades of E outside the moduli of class c)}
    ε_lim(E) = ε₀ / (1 + (E/E₁)^a)

Polymers, hybrids and inorganics each have a level K_c and a range of moduli; they share the exponent b. K_c and b are a
quantile regression through the library's measured pairs (E, κ), so that nearly all of them lie below; ε₀, E₁ and a are
least squares through its strain limits, in logarithms. Exponents are leaves: how an optimum depends on them is a
derivative.
Source of the fit: Koenker & Bassett, Econometrica 46 (1978) 33.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import least_squares, linprog

REFERENCE = 1e9  # E₀ [Pa]
QUANTILE = 0.9
OUTSIDE = 2.0  # S: decades of conductivity lost per decade of modulus outside a class; assumed
SOFTNESS = 0.1  # decades over which classes join


class MaterialPoint(NamedTuple):
    """One material of the library, SI; `None` where nobody measured it."""

    name: str
    family: str
    modulus: float
    ionic_conductivity: float | None
    strain_limit: float | None


class Frontier(eqx.Module):
    """The laws, with their numbers as leaves.

    **Arguments:**

    - `families`: names of the classes.
    - `levels`: log₁₀ K_c [S/m]; `lowest`, `highest`: log₁₀ of the moduli a class spans [Pa].
    - `conductivity_exponent`: b; `strain_exponent`: a.
    - `strain_level`: log₁₀ ε₀; `strain_modulus`: log₁₀ E₁ [Pa].
    """

    families: tuple[str, ...] = eqx.field(static=True)
    levels: Float[Array, " families"]
    lowest: Float[Array, " families"]
    highest: Float[Array, " families"]
    conductivity_exponent: Array
    strain_exponent: Array
    strain_level: Array
    strain_modulus: Array

    def conductivity_of_families(self, modulus: Array) -> Float[Array, "families *points"]:
        """log₁₀ of what each class attains at a modulus [S/m]."""
        log_modulus = jnp.log10(modulus)
        extra = (slice(None), *[None] * jnp.ndim(modulus))

        def beyond(decades):
            return SOFTNESS * jax.nn.softplus(decades / SOFTNESS)

        outside = beyond(self.lowest[extra] - log_modulus) + beyond(log_modulus - self.highest[extra])
        decline = self.conductivity_exponent * (log_modulus - np.log10(REFERENCE))
        return self.levels[extra] - decline - OUTSIDE * outside

    def log_conductivity(self, modulus: Array) -> Array:
        """log₁₀ κ_max [S/m]."""
        return SOFTNESS * jax.nn.logsumexp(self.conductivity_of_families(modulus) / SOFTNESS, axis=0)

    def strain_limit(self, modulus: Array) -> Array:
        """ε_lim [-]."""
        return 10**self.strain_level / (1 + (modulus / 10**self.strain_modulus) ** self.strain_exponent)


def fit(materials: Sequence[MaterialPoint]) -> Frontier:
    """Fits the laws. Raises `ValueError` when fewer than four materials have a conductivity or a strain limit."""
    conducting = [m for m in materials if m.ionic_conductivity is not None]
    breaking = [m for m in materials if m.strain_limit is not None]
    if min(len(conducting), len(breaking)) < 4:
        raise ValueError("a frontier needs four materials with a conductivity and four with a strain limit")
    families = tuple(sorted({m.family for m in conducting}))
    moduli = {f: [np.log10(m.modulus) for m in materials if m.family == f] for f in families}
    exponent, levels = _quantile_regression(conducting, families)
    level, modulus, strain_exponent = _strain_law(breaking)
    return Frontier(
        families=families,
        levels=jnp.asarray(levels),
        lowest=jnp.asarray([min(moduli[f]) for f in families]),
        highest=jnp.asarray([max(moduli[f]) for f in families]),
        conductivity_exponent=jnp.asarray(exponent),
        strain_exponent=jnp.asarray(strain_exponent),
        strain_level=jnp.asarray(level),
        strain_modulus=jnp.asarray(modulus),
    )


def _quantile_regression(materials: Sequence[MaterialPoint], families: tuple[str, ...]) -> tuple[float, list[float]]:
    """The shared exponent and the level of every class: least pinball loss, a linear program."""
    num, num_families = len(materials), len(families)
    x = np.array([np.log10(m.modulus / REFERENCE) for m in materials])
    y = np.array([np.log10(m.ionic_conductivity or np.nan) for m in materials])
    member = np.array([[m.family == f for f in families] for m in materials], float)
    # y = level − b x + above − below
    cost = np.concatenate([np.zeros(num_families + 1), np.full(num, QUANTILE), np.full(num, 1 - QUANTILE)])
    equations = np.hstack([member, -x[:, None], np.eye(num), -np.eye(num)])
    free: list[tuple[float | None, float | None]] = [(None, None)] * num_families
    bounds = [*free, (0.0, None), *[(0.0, None)] * (2 * num)]
    found = linprog(cost, A_eq=equations, b_eq=y, bounds=bounds)
    return float(found.x[num_families]), [float(level) for level in found.x[:num_families]]


def _strain_law(materials: Sequence[MaterialPoint]) -> tuple[float, float, float]:
    """log₁₀ ε₀, log₁₀ E₁ and a."""
    x = np.array([np.log10(m.modulus) for m in materials])
    y = np.array([np.log10(m.strain_limit or np.nan) for m in materials])

    def misfit(p):
        return p[0] - np.log10(1 + 10 ** (p[2] * (x - p[1]))) - y

    found = least_squares(misfit, x0=[0.7, 8.0, 1.0], bounds=([-1, 6, 0.1], [2, 10, 3]), loss="soft_l1")
    return float(found.x[0]), float(found.x[1]), float(found.x[2])
