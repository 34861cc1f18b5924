"""The headline numbers of a run, written the way people read them."""

import dataclasses
from typing import Any

from interphase.report import style

_AT_REST = "no current at the end"
_AT_REST_OR_OFF = "not modelled, or no current at the end"
_UNCYCLED = "none plates and strips"
_NO_LIMIT = "not modelled, or not known of a layer"


@dataclasses.dataclass(frozen=True)
class Number:
    """A key of `summary.json`: its name for people, its factor and unit for the page, and how it is written.

    `absent`: why it may be `null`.
    """

    key: str
    name: str
    factor: float = 1.0
    unit: str = ""
    form: str = ".4g"
    absent: str = "not modelled"


GROUPS: dict[str, tuple[Number, ...]] = {
    "Cell": (
        Number("charge_C_per_m2", "Charge passed", 1e-4 / 3.6, "mAh/cm²"),
        Number("plated_thickness_nm", "Plated thickness", 1.0, "nm"),
        Number("overpotential_V", "Overpotential", 1e3, "mV"),
        Number("stack_pressure_MPa", "Pressure on the stack", 1.0, "MPa"),
        Number("num_cycles", "Cycles", 1.0, "", "d", _UNCYCLED),
        Number("coulombic_efficiency", "Coulombic efficiency, stripped over plated", 100.0, "%", ".4g", _UNCYCLED),
    ),
    "Deposit": (
        Number("hot_spot_factor", "Hot spot, largest over mean current", absent=_AT_REST),
        Number("roughness_peak_to_valley_nm", "Roughness, peak to valley", 1.0, "nm"),
        Number("collector_covered_fraction", "Collector that lithium covers", 100.0, "%"),
        Number("further_nuclei_expected_over_run", "Further nuclei that would form, estimate", 1.0, "", ".2g"),
        Number("void_area_fraction", "Faces with a void before them", 100.0, "%"),
        Number("contact_fraction", "Faces that touch", 100.0, "%"),
        Number("void_thickness_nm", "Void over the electrode", 1.0, "nm"),
        Number("contact_pressure_max_MPa", "Largest contact pressure", 1.0, "MPa"),
        Number("cracks_filled_fraction", "Cracks of the solid filled with lithium", 100.0, "%"),
        Number("surface_occupancy_min", "Least occupied lattice sites of the surface", 100.0, "%"),
        Number("vacancy_supersaturation_max", "Most empty sites over equilibrium", 1.0, "", ".2e"),
        Number("vacant_thickness_nm", "Empty sites over the electrode", 1.0, "nm"),
        Number("dead_lithium_nm", "Isolated lithium", 1.0, "nm"),
        Number("sei_lithium_nm", "Lithium in the native film made since the start", 1.0, "nm"),
        Number("sei_thickness_nm", "Native film, swollen", 1.0, "nm"),
        Number("sei_strain_max", "Largest strain of the native film", 100.0, "%"),
        Number("sei_bare_fraction", "Lithium that its film leaves bare", 100.0, "%"),
    ),
    "Coating": (
        Number("coating_strain_max", "Largest strain", 100.0, "%"),
        Number("coating_stress_max_MPa", "Largest principal stress", 1.0, "MPa"),
        Number("elastic_energy_J_per_m2", "Elastic energy", 1e3, "mJ/m²"),
        Number("coating_strain_over_limit_max", "Largest strain over its limit", absent=_NO_LIMIT),
        Number("elastic_energy_over_resilience_max", "Largest energy density over resilience", absent=_NO_LIMIT),
        Number("coating_stress_over_strength_max", "Largest stress over strength", absent=_NO_LIMIT),
        Number("crack_driving_force_max", "Release rate of a channelling crack over toughness", absent=_NO_LIMIT),
        Number("damage_area_fraction", "Damaged share of the coating", 100.0, "%"),
        Number("bare_plating_fraction", "Current onto bare lithium", 100.0, "%", absent=_AT_REST_OR_OFF),
        Number(
            "beneath_plating_fraction", "Current onto lithium under the coating", 100.0, "%", absent=_AT_REST_OR_OFF
        ),
        Number("inside_plating_fraction", "Current into the coating, estimate", 100.0, "%", ".3g", _AT_REST_OR_OFF),
        Number("upon_plating_fraction", "Current onto the coating, estimate", 100.0, "%", ".3g", _AT_REST_OR_OFF),
        Number("alloy_lithium_nm", "Lithium in the alloy, as metal", 1.0, "nm"),
        Number("alloy_filling_mean", "Filling of the alloy", 100.0, "%"),
        Number("alloy_swelling_fraction", "Volume gained by it", 100.0, "%"),
        Number("coating_bodies", "Pieces", 1.0, "", "d"),
    ),
    "Trust": (
        Number("lithium_budget_relative_error", "Lithium budget, relative error", 1.0, "", ".1e"),
        Number("charge_closure_relative_error", "Charge closure, relative error", 1.0, "", ".1e"),
        Number("coating_volume_relative_change", "Coating volume, relative change", 1.0, "", ".1e"),
    ),
    "Work": (
        Number("num_steps", "Steps", 1.0, "", "d"),
        Number("step_wall_ms", "Wall time of a step, median", 1.0, "ms", ".3g"),
        Number("compile_s", "Compilation", 1.0, "s", ".3g"),
        Number("wall_s", "Wall time", 1.0, "s", ".4g"),
    ),
}


def written(number: Number, summary: dict[str, Any]) -> str | None:
    """The value with its unit; words where there is none; `None` when the summary does not know the key."""
    if number.key not in summary:
        return None
    value = summary[number.key]
    if value is None:
        return number.absent
    if number.key == "wall_s":
        return style.readable_time(float(value))
    text = format(int(value) if number.form == "d" else float(value) * number.factor, number.form)
    return f"{text.replace('-', '−')} {number.unit}".strip()  # noqa: RUF001
