"""The nuclei that a study starts from: how many, how large, and where."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from interphase.config import schema
from interphase.config.load import StudyError
from interphase.config.quantities import pretty
from interphase.materials.substrate import Cover, Site
from interphase.physics.nucleation import share_of_ball
from interphase.physics.seeds import bump_of, expected_number, nuclei_at, random_places

FEWEST_CELLS = 3  # of a nucleus' bump, as of any other


@dataclasses.dataclass(frozen=True)
class Nuclei:
    """Bumps on the collector: their height and standard deviation, and the place of each [m]; `density` [1/m²]."""

    density: float
    height: float
    spread: float
    places: tuple[tuple[float, ...], ...]


@dataclasses.dataclass(frozen=True)
class Cap:
    """A nucleus on a bare collector: of a ball of `radius` [m], at a contact angle [rad] and a place [m].

    **Arguments:** `key`: where the study speaks of it.
    """

    key: str
    radius: float
    contact_angle: float
    place: tuple[float, ...]

    @property
    def height(self) -> float:
        """[m]"""
        return self.radius * (1 - np.cos(self.contact_angle))

    @property
    def base(self) -> float:
        """Half the width on the collector [m]."""
        return self.radius * np.sin(self.contact_angle)

    @property
    def half_width(self) -> float:
        """Half the width where it is widest [m]."""
        return self.base if self.contact_angle < np.pi / 2 else self.radius

    def volume(self, dim: int) -> float:
        """[m³], in 2-D of a cylinder [m²]."""
        ball = np.pi * self.radius**2 if dim == 2 else 4 / 3 * np.pi * self.radius**3
        return float(share_of_ball(jnp.asarray(self.contact_angle), dim)) * ball


def caps(study: schema.Study) -> tuple[Cap, ...]:
    """The nuclei on a bare collector, the same ones for a seed: those given, and those of the law, as half balls."""
    section, period = study.collector, study.grid.size[:-1]
    if section is None:
        return ()
    made = []
    for k, nucleus in enumerate(section.nuclei):
        key = f"collector.nuclei[{k}]"
        angle = section.contact_angle if nucleus.contact_angle is None else nucleus.contact_angle
        assert angle is not None
        cap = Cap(key, nucleus.radius, angle, nucleus.centre or tuple(p / 2 for p in period))
        if nucleus.number is None:
            made.append(cap)
            continue
        draw = jax.random.fold_in(jax.random.key(section.seed), k)
        places = random_places(draw, nucleus.number, period, 2 * cap.half_width)
        if len(places) < nucleus.number:
            raise StudyError(
                f"{key}.number = {nucleus.number} has room for {len(places)} beside one another; lower "
                "it, or make them smaller"
            )
        made += [dataclasses.replace(cap, place=tuple(map(float, place))) for place in places]
    if (seeded := nuclei(study)) is not None:
        made += [Cap("nucleation", seeded.height, np.pi / 2, place) for place in seeded.places]
    return tuple(made)


def nuclei(study: schema.Study) -> Nuclei | None:
    """The nuclei of a resolved study, always the same ones for a seed. Raises `StudyError` where it cannot hold any."""
    section = study.nucleation
    if section is None:
        return None
    density, radius = _law(_site(study, section), _film(study), section.overpotential, section.coverage)
    period = study.grid.size[:-1]
    expected = expected_number(density, period)
    if expected < 0.5:
        raise StudyError(
            f"nucleation.overpotential = {pretty(section.overpotential, 'V')} gives {expected:.2g} nuclei in the box; "
            "raise it, lower nucleation.contact_angle, or enlarge grid.size in the plane"
        )
    height, spread = bump_of(radius, len(period))
    spacing = max(s / n for s, n in zip(period, study.grid.cells, strict=False))
    if spread < FEWEST_CELLS * spacing:
        raise StudyError(
            f"nucleation.overpotential = {pretty(section.overpotential, 'V')} gives {pretty(density, '1/m^2')} nuclei "
            f"of {pretty(radius, 'm')}, under-resolved by cells of {pretty(spacing, 'm')}; lower it, raise "
            f"nucleation.coverage, or give cells of at most {pretty(spread / FEWEST_CELLS, 'm')}"
        )
    places = random_places(jax.random.key(section.seed), round(expected), period, radius)
    return Nuclei(density, height, spread, tuple(tuple(float(x) for x in place) for place in np.atleast_2d(places)))


@functools.lru_cache(maxsize=8)  # checking and building ask for the same
def _law(site: tuple, film: tuple | None, overpotential: float, coverage: float) -> tuple[float, float]:
    """Nuclei per area and their radius, from the numbers of `Site` and `Cover`."""
    cover = None
    if film is not None:
        *numbers, yields, cracks = film
        cover = Cover(*(jnp.asarray(number, float) for number in numbers), yields=yields, cracks=cracks)
    return nuclei_at(Site(*(jnp.asarray(number, float) for number in site)), cover, overpotential, coverage)


def _site(study: schema.Study, section: schema.Nucleation) -> tuple:
    exchange = study.electrolyte or study.solid_electrolyte
    assert exchange is not None
    return (
        section.contact_angle, section.site_density, study.lithium.surface_energy, study.lithium.molar_volume,
        exchange.exchange_current, study.cell.transfer_coefficient, study.cell.temperature,
    )  # fmt: skip


def _film(study: schema.Study) -> tuple | None:
    """The coating's inner layer with the thickness of all: what a nucleus meets first."""
    if study.coating is None:
        return None
    inner = study.coating.layers[0]
    modulus, ratio, conductivity = inner.modulus, inner.poisson_ratio, inner.ionic_conductivity
    assert modulus is not None and ratio is not None and conductivity is not None
    strength = inner.yield_strength
    if strength is None and inner.yield_strain is not None:
        strength = (inner.yield_strain[0] * modulus[0],)
    return (
        sum(layer.thickness for layer in study.coating.layers), modulus[0], ratio[0],
        1.0 if strength is None else strength[0], 1.0 if inner.toughness is None else inner.toughness[0],
        0.0, conductivity[0], strength is not None, inner.toughness is not None,
    )  # fmt: skip
