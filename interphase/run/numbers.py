"""The numbers of a run under the names that scripts rely on."""

import dataclasses
from typing import Any

from interphase.model import StepReport
from interphase.physics.measures import Measures
from interphase.state import State
from interphase.units import Scales

AT_REST = 1e-6  # of the protocol's largest current density: what stress drives round at rest is no cell current


def row(
    time: float,
    state: State,
    report: StepReport,
    measures: Measures,
    scales: Scales,
    bodies: int | None,
    left_behind: float | None,
    detached: float,
) -> dict[str, Any]:
    """One row of `series.csv`; `None` where the physics is off.

    **Arguments:** `detached`: lithium that hangs on nothing, volume per electrode area [-].
    """
    current = float(report.mean_current) * scales.current_density
    flows = abs(float(report.mean_current)) > AT_REST
    return {
        "time_s": float(time),
        "step": int(state.step),
        "charge_C_per_m2": float(measures.charge),
        "plated_thickness_nm": float(measures.plated_thickness) * 1e9,
        "current_A_per_m2": current,
        "metal_potential_V": float(measures.metal_potential),
        "overpotential_V": float(measures.metal_potential),  # the reservoir's lithium is the zero of potential
        "hot_spot_factor": float(measures.hot_spot_factor) if flows else None,
        "roughness_peak_to_valley_nm": float(measures.roughness_peak_to_valley) * 1e9,
        "roughness_rms_nm": float(measures.roughness_rms) * 1e9,
        "collector_covered_fraction": _number(measures.collector_covered),
        "further_nucleation_rate_per_m2_s": _number(measures.further_nucleation_rate),
        "coating_strain_max": _number(measures.coating_strain),
        "coating_strain_over_limit_max": _number(measures.coating_strain_over_limit),
        "coating_stress_max_MPa": _number(measures.coating_stress, 1e-6),
        "coating_compression_max_MPa": _number(measures.coating_compression, 1e-6),
        "elastic_energy_J_per_m2": _number(measures.elastic_energy),
        "elastic_energy_over_resilience_max": _number(measures.energy_over_resilience),
        "coating_stress_over_strength_max": _number(measures.coating_stress_over_strength),
        "crack_driving_force_max": _number(measures.crack_driving_force),
        "damage_area_fraction": _number(measures.damage_fraction),
        "bare_plating_fraction": _number(measures.bare_plating) if flows else None,
        "beneath_plating_fraction": _number(measures.beneath_plating) if flows else None,
        "inside_plating_fraction": _number(measures.inside_plating) if flows else None,
        "upon_plating_fraction": _number(measures.upon_plating) if flows else None,
        "alloy_lithium_nm": _number(measures.alloy_lithium, 1e9),
        "alloy_filling_mean": _number(measures.alloy_filling),
        "alloy_swelling_fraction": _number(measures.alloy_swelling),
        "stack_pressure_MPa": float(report.plate_pressure) * scales.stress * 1e-6,
        "contact_fraction": _number(measures.contact_fraction),
        "void_area_fraction": _number(measures.void_area_fraction),
        "void_thickness_nm": _number(measures.void_thickness, 1e9),
        "contact_pressure_max_MPa": _number(measures.contact_pressure, 1e-6),
        "sei_lithium_nm": _number(measures.sei_lithium, 1e9),
        "sei_thickness_nm": _number(measures.sei_thickness, 1e9),
        "sei_strain_max": _number(measures.sei_strain),
        "sei_bare_fraction": _number(measures.sei_bare_fraction),
        "side_current_A_per_m2": _number(measures.side_current),
        "cracks_filled_fraction": _number(measures.cracks_filled),
        "surface_occupancy_min": _number(measures.surface_occupancy),
        "vacancy_supersaturation_max": _number(measures.vacancy_supersaturation),
        "vacant_thickness_nm": _number(measures.vacant_thickness, 1e9),
        "lithium_budget_relative_error": float(measures.lithium_budget_error),
        "charge_closure_relative_error": closure(report),
        "coating_volume_relative_change": _number(measures.coating_volume_change),
        "coating_bodies": bodies,
        "coating_left_behind_max": left_behind,
        "dead_lithium_nm": detached * scales.length * 1e9,
        "newton_steps": int(report.balance.steps),
        "linear_iterations": int(report.balance.linear_iterations),
        "residual": float(report.balance.residual),
    }


def closure(report: StepReport) -> float:
    """|current in − current reacting| over the current, or over the protocol's largest one where none flows."""
    reacting = float(report.mean_current)
    return abs(float(report.boundary_current) - reacting) / max(abs(reacting), 1e-3)


def _number(value: Any, factor: float = 1.0) -> float | None:
    return None if value is None else float(value) * factor


@dataclasses.dataclass
class Worst:
    """Extremes over a run: of every step for the closure and the solver, of every row for the rest."""

    charge_closure: float = 0.0
    newton_steps: int = 0
    linear_iterations: int = 0
    coating_strain: float | None = None
    coating_stress_MPa: float | None = None  # noqa: N815
    coating_left_behind: float | None = None
    hot_spot_factor: float | None = None
    overpotential_V: float | None = None  # noqa: N815
    leaked_plating: float | None = None
    further_nuclei_per_m2: float | None = None  # their rate over the time of all rows
    last_row_s: float = 0.0
    last_rate: float | None = None
    simulated_steps: int = 0

    def see(self, report: StepReport) -> None:
        self.charge_closure = max(self.charge_closure, closure(report))
        self.newton_steps = max(self.newton_steps, int(report.balance.steps))
        self.linear_iterations = max(self.linear_iterations, int(report.balance.linear_iterations))
        self.simulated_steps += 1

    def see_row(self, row: dict[str, Any]) -> None:
        if row["inside_plating_fraction"] is not None:
            leaked = row["inside_plating_fraction"] + row["upon_plating_fraction"]
            self.leaked_plating = max(leaked, self.leaked_plating or 0.0)
        if (rate := row["further_nucleation_rate_per_m2_s"]) is not None:
            before = rate if self.last_rate is None else self.last_rate
            formed = 0.5 * (before + rate) * (row["time_s"] - self.last_row_s)
            self.further_nuclei_per_m2 = (self.further_nuclei_per_m2 or 0.0) + formed
            self.last_row_s, self.last_rate = row["time_s"], rate
        for mine, key in (
            ("coating_strain", "coating_strain_max"),
            ("coating_stress_MPa", "coating_stress_max_MPa"),
            ("coating_left_behind", "coating_left_behind_max"),
            ("hot_spot_factor", "hot_spot_factor"),
            ("overpotential_V", "overpotential_V"),
        ):
            if row[key] is not None:
                value = abs(row[key]) if key == "overpotential_V" else row[key]
                setattr(self, mine, max(value, getattr(self, mine) or 0.0))
