"""What a study file may say: every key, its unit, its bounds, its default. Nothing here depends on another key.

Quantities are text with units (`"100 nm"`) and become SI floats; written back they are text again. A property of a
coating layer may be a list, control points from its inner to its outer face.
"""

# pyright: reportInvalidTypeForm=false
# A type made by a function is a variable to pyright and a type to pydantic.

import dataclasses
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, PlainSerializer

from interphase.config import quantities


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Of a number of `dimension` [SI]: above `above` (or at it if `zero`) and below `below` (or at it if `whole`)."""

    dimension: str
    above: float
    below: float
    zero: bool
    whole: bool
    is_profile: bool = False  # several of them are control points from the inner to the outer face

    def hold(self, number: float) -> bool:
        low = number < self.above or (number == self.above and not self.zero)
        high = number > self.below or (number == self.below and not self.whole)
        return not (low or high)

    def __str__(self) -> str:
        parts = []
        if self.above > -float("inf"):
            parts.append(f"{'at least' if self.zero else 'above'} {self._shown(self.above)}")
        if self.below < float("inf"):
            parts.append(f"{'at most' if self.whole else 'below'} {self._shown(self.below)}")
        return " and ".join(parts)

    def _shown(self, bound: float) -> str:
        return quantities.pretty(bound, self.dimension) if bound else "0"


def _quantity(
    dimension: str,
    above: float = -float("inf"),
    below: float = float("inf"),
    zero: bool = False,
    whole: bool = False,
) -> Any:
    """A number within `Bounds`."""
    bounds = Bounds(dimension, above, below, zero, whole)

    def read(value: Any) -> float:
        number = quantities.parse(value, dimension)
        if not bounds.hold(number):
            raise ValueError(f'"{value}" is out of range; give a value {bounds}')
        return number

    return Annotated[
        float,
        bounds,
        BeforeValidator(read),
        PlainSerializer(lambda value: quantities.format(value, dimension), when_used="always"),
    ]


LEAST_OCCUPANCY = 1e-3
"""Of an alloy at the start: what a step can bear beside lithium, six or seven widths above half filling."""


def _profile(
    dimension: str, above: float = 0.0, below: float = float("inf"), zero: bool = False, whole: bool = False
) -> Any:
    """One number, or control points from the inner to the outer face."""
    one = pydantic.TypeAdapter(_quantity(dimension, above, below, zero, whole))

    def read(value: Any) -> tuple[float, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        if not values:
            raise ValueError("the list is empty; give one value, or control points from the inner to the outer face")
        return tuple(one.validate_python(v) for v in values)

    def write(values: tuple[float, ...]) -> Any:
        texts = [quantities.format(v, dimension) for v in values]
        return texts[0] if len(texts) == 1 else texts

    bounds = Bounds(dimension, above, below, zero, whole, is_profile=True)
    return Annotated[tuple[float, ...], bounds, BeforeValidator(read), PlainSerializer(write, when_used="always")]


Length = _quantity("m", 0.0)
Position = _quantity("m")
Height = _quantity("m")
Duration = _quantity("s", 0.0)
Pressure = _quantity("Pa", 0.0, zero=True)
Fraction = _quantity("1", 0.0, 1.0, zero=True)
Amplitude = _quantity("1", 0.0, zero=True)
Text = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=1)]
Number = Annotated[float, pydantic.Field(allow_inf_nan=False)]
Coefficients = Annotated[tuple[Number, ...], pydantic.Field(min_length=1)]  # lowest power first


class Section(pydantic.BaseModel):
    """A table of a study file; unknown keys are refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Grid(Section):
    """`cells` and `size` per axis, normal last; two or three axes."""

    cells: tuple[pydantic.PositiveInt, ...]
    size: tuple[Length, ...]


class Bump(Section):
    """A Gaussian bump; `radius` is its standard deviation, `centre` is per in-plane axis (default: the middle)."""

    height: Height
    radius: Length
    centre: tuple[Position, ...] | None = None


class Wave(Section):
    """A cosine of `height` with a whole number of waves per in-plane axis."""

    height: Height
    waves: tuple[int, ...]
    phase: Number = 0.0


class Void(Section):
    """A ball cut out of the lithium; `centre` is per in-plane axis (default: the middle), `depth` below the level."""

    radius: Length
    centre: tuple[Position, ...] | None = None
    depth: Position = 0.0


class Surface(Section):
    """The lithium surface at the start, and voids in the lithium."""

    level: Length
    bumps: tuple[Bump, ...] = ()
    waves: tuple[Wave, ...] = ()
    voids: tuple[Void, ...] = ()


class Nucleus(Section):
    """A cap of lithium on the bare collector, of a ball (a cylinder in 2-D) of `radius`.

    `contact_angle` at which it meets the collector (default: the collector's own); `centre` is per in-plane axis
    (default: the middle). A `number` of them lie at random places instead, none on another.
    """

    radius: Length
    contact_angle: _quantity("1", 0.0, 3.141592653589793) | None = None
    centre: tuple[Position, ...] | None = None
    number: Annotated[int, pydantic.Field(ge=1, le=1000)] | None = None

    @pydantic.model_validator(mode="after")
    def _lies_somewhere(self) -> "Nucleus":
        if self.centre is not None and self.number is not None:
            raise ValueError("has both centre and number; give one: a number of nuclei lie at random places")
        return self


class Collector(Section):
    """A bare metal below in place of a layer of lithium; what is not given comes from the library's `material`.

    Lithium begins at the `nuclei`, those at random places drawn by `seed`, and those of `[nucleation]` if it is given.
    `adhesion`: the stress at which a coating lets go of the collector (default: never); `bond_thickness`: of what gives
    way then (default: three cells). `contact_angle` of lithium on it and `site_density` say how soon further nuclei
    would form on what is bare.
    """

    material: str | None = None
    contact_angle: _quantity("1", 0.0, 3.141592653589793) | None = None
    site_density: _quantity("1/m^2", 0.0) | None = None
    nuclei: tuple[Nucleus, ...] = ()
    seed: pydantic.NonNegativeInt = 0
    adhesion: _quantity("Pa", 0.0) | None = None
    bond_thickness: Length | None = None


class Nucleation(Section):
    """Nuclei on the collector as a start, at random places; what is not given comes from the library's `material`.

    They are as many and as large as the law of nucleation has them at a constant `overpotential` (its size, against
    lithium, at the substrate) when they cover the share `coverage`. On a bare `[collector]` they are half balls, of its
    `material` if none is given; otherwise they rise from a layer of lithium of the height `surface.level`, which wets
    the collector.
    """

    material: str | None = None
    overpotential: _quantity("V", 0.0)
    coverage: _quantity("1", 0.0, 1.0) = 0.1
    seed: pydantic.NonNegativeInt = 0
    contact_angle: _quantity("1", 0.0, 3.141592653589793) | None = None
    site_density: _quantity("1/m^2", 0.0) | None = None


class Lithium(Section):
    """Lithium; what is not given comes from the library. `creeps = false` makes it elastic.

    A `grain_size` lets it creep by diffusion, too (or give the `diffusional_viscosity` itself); a `feature_size` makes
    it as strong as pillars of that size are; a `porosity` as soft and slow as mossy lithium.
    """

    material: str = "lithium"
    creeps: bool = True
    modulus: _quantity("Pa", 0.0) | None = None
    poisson_ratio: _quantity("1", 0.0, 0.4999) | None = None
    surface_energy: _quantity("J/m^2", 0.0, zero=True) | None = None
    molar_volume: _quantity("m^3/mol", 0.0) | None = None
    creep_prefactor: _quantity("1/s", 0.0) | None = None
    creep_activation_energy: _quantity("J/mol", 0.0, zero=True) | None = None
    creep_exponent: _quantity("1", 1.0, zero=True) | None = None
    initial_resistance: _quantity("Pa", 0.0) | None = None
    saturation_resistance: _quantity("Pa", 0.0) | None = None
    hardening_modulus: _quantity("Pa", 0.0, zero=True) | None = None
    hardening_exponent: _quantity("1", 1.0, zero=True) | None = None
    rate_hardening: _quantity("1", 0.0, zero=True) | None = None
    diffusional_viscosity: _quantity("Pa*s", 0.0) | None = None
    grain_size: Length | None = None
    self_diffusivity: _quantity("m^2/s", 0.0) | None = None
    diffusion_activation_energy: _quantity("J/mol", 0.0, zero=True) | None = None
    boundary_diffusivity: _quantity("m^2/s", 0.0) | None = None
    boundary_activation_energy: _quantity("J/mol", 0.0, zero=True) | None = None
    boundary_width: Length | None = None
    feature_size: Length | None = None
    size_effect_length: Length | None = None
    porosity: Fraction = 0.0

    @pydantic.model_validator(mode="after")
    def _creeps_by_diffusion_once(self) -> "Lithium":
        if self.grain_size is not None and self.diffusional_viscosity is not None:
            raise ValueError("has both grain_size and diffusional_viscosity; give one")
        return self


class Layer(Section):
    """One layer of the coating; what is not given comes from the library's `material`.

    `yield_strength` (or `yield_strain`, its share of the modulus), `relaxation_time`, `strain_limit`, `strength` and
    `toughness` may stay unknown: then the layer does not yield or relax, and what is measured against a limit is null.
    So may the `tunnelling_thickness`, without which nobody says how many electrons get through, and the
    `electronic_conductivity`: then they only tunnel.

    An `alloy_capacity` (of the layer without lithium) makes it an alloy, that conducts electrons as a metal does: it is
    half full at `alloying_potential` against lithium, fills over some `alloying_width` (default: RT/F), and gains the
    share `swelling` of its volume (default: none). `initial_occupancy` of its capacity is in it at the start, at which
    it has its `thickness` (default: a thousandth; of an empty one the potential would have no bound).
    """

    material: str | None = None
    thickness: Length
    modulus: _profile("Pa") | None = None
    poisson_ratio: _profile("1", 0.0, 0.4999, zero=True) | None = None
    ionic_conductivity: _profile("S/m") | None = None
    transference_number: _profile("1", 0.0, 1.0, whole=True) | None = None
    salt_diffusivity: _profile("m^2/s") | None = None
    exchange_current: _profile("A/m^2") | None = None
    yield_strength: _profile("Pa") | None = None
    yield_strain: _profile("1") | None = None
    relaxation_time: _profile("s") | None = None
    relaxed_fraction: _profile("1", 0.0, 1.0, zero=True) | None = None
    strain_limit: _profile("1") | None = None
    strength: _profile("Pa") | None = None
    toughness: _profile("J/m^2") | None = None
    tunnelling_thickness: _profile("m") | None = None
    electronic_conductivity: _profile("S/m") | None = None
    alloy_capacity: _profile("C/m^3") | None = None
    alloying_potential: _profile("V", -float("inf")) | None = None
    alloying_width: _profile("V") | None = None
    swelling: _profile("1", 0.0, 10.0, zero=True) | None = None
    initial_occupancy: _profile("1", LEAST_OCCUPANCY, 1.0, zero=True, whole=True) | None = None

    @pydantic.model_validator(mode="after")
    def _yields_once(self) -> "Layer":
        if self.yield_strength is not None and self.yield_strain is not None:
            raise ValueError("has both yield_strength and yield_strain; give one")
        return self


class Mosaic(Section):
    """Random lateral defects: log-amplitudes of a keyed Gaussian field with a correlation length."""

    correlation_length: Length
    seed: pydantic.NonNegativeInt = 0
    modulus: Amplitude = 0.0
    ionic_conductivity: Amplitude = 0.0
    thickness: Amplitude = 0.0


class Fracture(Section):
    """How the coating breaks, at the cost of its layers' toughness.

    `model`: `"AT1"` is elastic up to its strength, √(3EG_c/8ℓ) in one dimension, `"AT2"` softens before; `length` is ℓ.
    `healing_time`: in which cracks that no tension holds open lose all but 1/e of their damage; never, if not given.
    """

    model: Literal["AT1", "AT2"] = "AT1"
    length: Length
    healing_time: Duration | None = None


class Coating(Section):
    """Layers from the lithium outward, lateral defects, and how it breaks.

    `tunnelling_current`: of electrons through the layers' `tunnelling_thickness`; the default is the native film's.
    """

    layers: Annotated[tuple[Layer, ...], pydantic.Field(min_length=1)]
    mosaic: Mosaic | None = None
    fracture: Fracture | None = None
    tunnelling_current: _quantity("A/m^2", 0.0) = 1e-4


class Electrolyte(Section):
    """A liquid electrolyte; what is not given comes from the library's `material`."""

    material: str | None = None
    concentration: _quantity("mol/m^3", 0.0) | None = None
    conductivity_coefficients: Coefficients | None = None
    log_diffusivity_coefficients: Coefficients | None = None
    thermodynamic_factor_coefficients: Coefficients | None = None
    transference_number: _quantity("1", 0.0, 1.0, whole=True) | None = None
    exchange_current: _quantity("A/m^2", 0.0) | None = None


class Crack(Section):
    """A slit in the solid's face, open to the lithium; `centre` along the first axis (default: the middle)."""

    width: Length
    depth: Length
    centre: Position | None = None


class SolidElectrolyte(Section):
    """A single-ion solid electrolyte; what is not given comes from the library's `material`."""

    material: str | None = None
    modulus: _quantity("Pa", 0.0) | None = None
    poisson_ratio: _quantity("1", 0.0, 0.4999, zero=True) | None = None
    ionic_conductivity: _quantity("S/m", 0.0) | None = None
    exchange_current: _quantity("A/m^2", 0.0) | None = None
    cracks: tuple[Crack, ...] = ()


class Unevenness(Section):
    """How the solid's face stands back from the lithium at first: a keyed Gaussian map that the grid resolves.

    `height`: its root mean square; `touching`: the share of the faces that meets when the solid is laid on.
    """

    height: Length
    correlation_length: Length
    seed: pydantic.NonNegativeInt = 0
    touching: _quantity("1", 0.0, 1.0) = 0.1


class Contact(Section):
    """Where lithium may part from the solids on it, and a void opens.

    `roughness`: length over which the pressure of the faces falls off with the gap, about 0.4 of their roughness;
    `adhesion`: the largest tension; `touching_pressure`: at which half of the faces touch and conduct.
    """

    roughness: Length = 20e-9
    adhesion: Pressure = 1e5
    touching_pressure: Pressure = 1e5
    unevenness: Unevenness | None = None


class Film(Section):
    """The native film on the lithium: grows, strains, breaks, regrows; what is not given is the library's `material`.

    `tunnelling_thickness` may be that of another material of the inner layer; `swelling`: thickness of the outer layer
    in the electrolyte over its dry one; `inorganic_share`: of the charge, what makes the inner layer.
    """

    material: str = "carbonate-sei"
    inner_thickness: _quantity("m", 0.0, zero=True) | None = None
    outer_thickness: _quantity("m", 0.0, zero=True) | None = None
    inner_conductivity: _quantity("S/m", 0.0) | None = None
    outer_conductivity: _quantity("S/m", 0.0) | None = None
    electronic_conductivity: _quantity("S/m", 0.0) | None = None
    reduction_potential: _quantity("V", 0.0) | None = None
    tunnelling_thickness: Length | None = None
    tunnelling_current: _quantity("A/m^2", 0.0) | None = None
    bare_current: _quantity("A/m^2", 0.0) | None = None
    solvent_diffusivity: _quantity("m^2/s", 0.0) | None = None
    solvent_concentration: _quantity("mol/m^3", 0.0) | None = None
    swelling: _quantity("1", 1.0) | None = None
    inorganic_share: _quantity("1", 0.0, 1.0) | None = None
    inner_molar_volume: _quantity("m^3/mol", 0.0) | None = None
    outer_molar_volume: _quantity("m^3/mol", 0.0) | None = None
    strain_limit: _quantity("1", 0.0) | None = None
    broken_strain: _quantity("1", 0.0) | None = None


class Vacancies(Section):
    """Lithium is stripped out of its lattice and leaves empty sites; the diffusivity is `lithium.self_diffusivity`.

    `equilibrium_fraction` of sites empty without pressure; `formation_volume` of a mole of them; `sink_spacing` of
    dislocations and grain boundaries at which they vanish (default: none). `below`: what the lower wall is, the end of
    the lattice (`"closed"`), or a cut through lithium that goes on, its lattice full (`"lithium"`).
    """

    equilibrium_fraction: _quantity("1", 0.0, 0.1) = 2e-9
    formation_volume: _quantity("m^3/mol", 0.0, zero=True) = 6e-6
    sink_spacing: Length | None = None
    below: Literal["closed", "lithium"] = "closed"


class Cell(Section):
    """What surrounds the materials.

    `top`: open `"liquid"` at the pressure, or a rigid plate: `"plate"` under it as under a weight, `"spring"` of
    `spring_stiffness` preloaded with it, `"gap"` closed under it, where the plate stands still and the pressure comes
    out. `counter`: a `"reservoir"` holds the salt at its initial concentration there; a `"blocking"` electrode lets no
    anion through.
    """

    temperature: _quantity("K", 200.0, 450.0) = 298.15
    pressure: Pressure = 1e5
    top: Literal["liquid", "plate", "spring", "gap"] = "liquid"
    spring_stiffness: _quantity("Pa/m", 0.0) | None = None
    counter: Literal["reservoir", "blocking"] = "reservoir"
    film_resistance: _quantity("ohm*m^2", 0.0, zero=True) = 0.0
    transfer_coefficient: _quantity("1", 0.0, 1.0) = 0.5


class Step(Section):
    """One step: `current` (plates; negative strips; zero rests) or `potential` against lithium, for `duration`.

    It ends earlier once a charge of `capacity` has passed, or the metal's potential has come to `potential_limit`. Its
    `pressure` is there at once, or after a `pressure_ramp` from that of the step before.
    """

    duration: Duration
    current: _quantity("A/m^2") | None = None
    potential: _quantity("V") | None = None
    pressure: Pressure | None = None
    pressure_ramp: Duration | None = None
    capacity: _quantity("C/m^2", 0.0) | None = None
    potential_limit: _quantity("V") | None = None

    @pydantic.model_validator(mode="after")
    def _has_one_control(self) -> "Step":
        if (self.current is None) == (self.potential is None):
            given = "neither current nor" if self.current is None else "both current and"
            raise ValueError(f'has {given} potential; give one, such as current = "1 mA/cm^2" ("0 A/m^2" rests)')
        if self.capacity is not None and self.current == 0:
            raise ValueError("has a capacity, but no current that it could pass with; leave it out of a rest")
        if self.potential_limit is not None and not self.current:
            raise ValueError("has a potential_limit, but no current that drives the potential there; leave it out")
        return self


class Protocol(Section):
    """What is imposed, step after step, `cycles` times over."""

    steps: Annotated[tuple[Step, ...], pydantic.Field(min_length=1)]
    cycles: Annotated[int, pydantic.Field(ge=1, le=10_000)] = 1


class Numerics(Section):
    """How the equations are solved. The defaults are what the verification was done with.

    `interface_width` w of the tanh profile, in cells; `courant`: cells an interface may move in a step;
    `stress_change`: of any stress component in a step; `largest_step`; `tolerance` of the coupled balance;
    `smallest_step`, below which a failing solve ends the run.
    """

    precision: Literal["float32", "float64"] = "float64"
    interface_width: _quantity("1", 0.8, 4.0, zero=True) = 1.0
    courant: _quantity("1", 0.0, 0.5) = 0.1
    stress_change: _quantity("Pa", 0.0) = 10e6
    first_step: Duration = 0.01
    largest_step: Duration | None = None
    smallest_step: Duration = 1e-6
    tolerance: _quantity("1", 1e-12, 1e-2) = 1e-4


class Output(Section):
    """How often a run writes: `rows` of numbers, `frames` of fields, checkpoints every `checkpoint_steps`."""

    rows: Annotated[int, pydantic.Field(ge=2, le=100_000)] = 60
    frames: Annotated[int, pydantic.Field(ge=2, le=10_000)] = 30
    checkpoint_steps: pydantic.PositiveInt = 100


class Variable(Section):
    """A number of the study set free between bounds.

    `path`: its key, such as `coating.layers[0].modulus`; `points`: control points of a profile, inner face first;
    `scale`: of the bounds, logarithmic where they are more than a factor of three apart.
    """

    path: Text
    lower: Any
    upper: Any
    scale: Literal["log", "linear"] | None = None
    points: Annotated[int, pydantic.Field(ge=1, le=200)] = 1


class Term(Section):
    """What the design is judged by.

    `weight` of `name` over `scale`, or of its squared distance to `target`; `limit` must not be exceeded.
    """

    name: Text
    weight: Amplitude = 1.0
    scale: Any = None
    target: Any = None
    limit: Any = None


class Frontier(Section):
    """What chemistry ties together.

    `conductivity`: the modulus bounds the conductivity; `strain_limit`: the modulus sets the strain limit; `gels`:
    whether materials that conduct by the solvent they hold count. Exponents other than those that fit the library may
    be given.
    """

    conductivity: bool = True
    strain_limit: bool = True
    gels: bool = False
    conductivity_exponent: _quantity("1", 0.0, 3.0, zero=True) | None = None
    strain_exponent: _quantity("1", 0.0, 3.0, zero=True) | None = None


class Search(Section):
    """How the design is searched for.

    `starts` are searched in one batch; `evaluations`: runs with gradient per start; `tolerance` of the projected
    gradient over its first; `stall`: fall of the objective below which an iteration counts as none.
    """

    method: Literal["bfgs", "adam"] = "bfgs"
    gradient: Literal["reverse", "forward"] = "reverse"
    starts: Annotated[int, pydantic.Field(ge=1, le=1024)] = 4
    seed: pydantic.NonNegativeInt = 0
    evaluations: Annotated[int, pydantic.Field(ge=1, le=10_000)] = 60
    tolerance: _quantity("1", 0.0, 1.0) = 1e-3
    stall: _quantity("1", 0.0, 1.0) = 1e-6
    learning_rate: _quantity("1", 0.0, 1.0) = 0.05
    checkpoint_evaluations: pydantic.PositiveInt = 5


class Uncertain(Section):
    """An input nobody knows exactly: `path` takes its value times each of `factors`, one per scenario."""

    path: Text
    factors: Annotated[tuple[_quantity("1", 0.0), ...], pydantic.Field(min_length=2)]


class Robust(Section):
    """The objective over scenarios: mean plus `caution` times the standard deviation.

    `uncertain` inputs change together, scenario by scenario; `offsets`: shifts of the surface by parts of a cell, over
    which what the grid leaves is averaged.
    """

    caution: Amplitude = 1.0
    uncertain: tuple[Uncertain, ...] = ()
    offsets: Annotated[int, pydantic.Field(ge=1, le=16)] = 1


class Pareto(Section):
    """A front between two terms: `weights` of `term`, each its own search."""

    term: Text
    weights: Annotated[tuple[Amplitude, ...], pydantic.Field(min_length=2)]


class Design(Section):
    """What is free, what is wanted, and how to look for it."""

    variables: Annotated[tuple[Variable, ...], pydantic.Field(min_length=1)]
    terms: tuple[Term, ...] = ()
    frontier: Frontier | None = Frontier()
    search: Search = Search()
    robust: Robust | None = None
    pareto: Pareto | None = None


class Study(Section):
    """A whole study, from a `surface` of lithium or a bare `collector` on.

    `design` is what `interphase design` does with it and says nothing to `interphase run`.
    """

    title: Text
    grid: Grid
    surface: Surface | None = None
    collector: Collector | None = None
    nucleation: Nucleation | None = None
    lithium: Lithium = Lithium()
    coating: Coating | None = None
    electrolyte: Electrolyte | None = None
    solid_electrolyte: SolidElectrolyte | None = None
    contact: Contact | None = None
    film: Film | None = None
    vacancies: Vacancies | None = None
    cell: Cell = Cell()
    protocol: Protocol
    numerics: Numerics = Numerics()
    output: Output = Output()
    design: Design | None = None
