"""What lithium nucleates on, and what lies over it. SI."""

import equinox as eqx

from interphase.arrays import Scalar


class Site(eqx.Module):
    """A place on a substrate, and the lithium that would form there.

    **Arguments:**

    - `contact_angle`: θ of lithium on the substrate under what covers both, small where lithium spreads [rad].
    - `site_density`: of places where an atom can begin a nucleus [1/m²].
    - `surface_energy`: γ of lithium against what covers it [J/m²]; `molar_volume` Ω [m³/mol].
    - `exchange_current` [A/m²], `transfer_coefficient`: of plating; `temperature` [K].
    """

    contact_angle: Scalar
    site_density: Scalar
    surface_energy: Scalar
    molar_volume: Scalar
    exchange_current: Scalar
    transfer_coefficient: Scalar
    temperature: Scalar


class Substrate(eqx.Module):
    """What lithium begins on, and how.

    **Arguments:**

    - `contact_angle` [rad], `site_density` [1/m²]: see `Site`.
    - `molar_volume`: of the lithium [m³/mol].
    - `overpotential`: its size while nuclei form [V]; `coverage`: share of the substrate that they then cover [-].
    - `cover_yields`, `cover_cracks`: of the coating's inner layer, whether strength and toughness are known (static).
    """

    contact_angle: Scalar
    site_density: Scalar
    molar_volume: Scalar
    overpotential: Scalar
    coverage: Scalar
    cover_yields: bool = eqx.field(static=True)
    cover_cracks: bool = eqx.field(static=True)


class Bond(eqx.Module):
    """What holds a coating on a collector.

    **Arguments:** `strength`: largest von Mises stress that it bears [Pa]; `thickness`: of what gives way [m].
    """

    strength: Scalar
    thickness: Scalar


class Ground(eqx.Module):
    """What is bare of a collector, as a place for nuclei.

    **Arguments:**

    - `contact_angle` [rad], `site_density` [1/m²]: see `Site`; `molar_volume`: of the lithium [m³/mol].
    - `cover_yields`, `cover_cracks`: see `Substrate` (static).
    """

    contact_angle: Scalar
    site_density: Scalar
    molar_volume: Scalar
    cover_yields: bool = eqx.field(static=True)
    cover_cracks: bool = eqx.field(static=True)


class Collector(eqx.Module):
    """The bare metal that closes the box below; on it nothing reacts.

    **Arguments:**

    - `bond`: of a coating with it, or `None` where a coating never lets go.
    - `ground`: for nuclei, or `None` where its sites are not known.
    """

    bond: Bond | None = None
    ground: Ground | None = None


class Cover(eqx.Module):
    """A solid film over the substrate, which a nucleus must lift, indent or crack.

    **Arguments:**

    - `thickness` [m], `modulus` [Pa], `poisson_ratio`, `yield_strength` [Pa], `toughness` [J/m²].
    - `tension`: in its plane before anything grows below it [Pa].
    - `ionic_conductivity`: [S/m].
    - `yields`, `cracks`: whether strength and toughness are known (static).
    """

    thickness: Scalar
    modulus: Scalar
    poisson_ratio: Scalar
    yield_strength: Scalar
    toughness: Scalar
    tension: Scalar
    ionic_conductivity: Scalar
    yields: bool = eqx.field(static=True, default=True)
    cracks: bool = eqx.field(static=True, default=True)
