"""`summary.json`: what a run came to, flat, under names that scripts rely on."""

from collections.abc import Mapping, Sequence
from typing import Any

from interphase.run.simulate import Outcome

MOST_LEAKED = 0.05
"""Share of the current up to which what plates inside and on the coating does not change the rest of the run much."""

MOST_NUCLEI = 0.5
"""Further ones expected in the box, up to which those of the start stand for all."""

FINAL = (
    "charge_C_per_m2",
    "plated_thickness_nm",
    "current_A_per_m2",
    "lithium_budget_relative_error",
    "coating_volume_relative_change",
    "coating_bodies",
    "coating_left_behind_max",
    "dead_lithium_nm",
    "overpotential_V",
    "hot_spot_factor",
    "roughness_peak_to_valley_nm",
    "roughness_rms_nm",
    "collector_covered_fraction",
    "further_nucleation_rate_per_m2_s",
    "coating_strain_max",
    "coating_strain_over_limit_max",
    "coating_stress_max_MPa",
    "coating_compression_max_MPa",
    "elastic_energy_J_per_m2",
    "elastic_energy_over_resilience_max",
    "coating_stress_over_strength_max",
    "crack_driving_force_max",
    "damage_area_fraction",
    "bare_plating_fraction",
    "beneath_plating_fraction",
    "inside_plating_fraction",
    "upon_plating_fraction",
    "alloy_lithium_nm",
    "alloy_filling_mean",
    "alloy_swelling_fraction",
    "stack_pressure_MPa",
    "contact_fraction",
    "void_area_fraction",
    "void_thickness_nm",
    "contact_pressure_max_MPa",
    "sei_lithium_nm",
    "sei_thickness_nm",
    "sei_strain_max",
    "sei_bare_fraction",
    "side_current_A_per_m2",
    "cracks_filled_fraction",
    "surface_occupancy_min",
    "vacancy_supersaturation_max",
    "vacant_thickness_nm",
)


def summarise(
    outcome: Outcome, title: str, made: dict[str, Any], cycles: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The summary of a run.

    **Arguments:**

    - `cycles`: see `cycle_table`; the Coulombic efficiency is that of the last with both plating and stripping.
    - `made`: `versions`, `device`, `git`: with what it was made.

    Final values carry plain names, extremes over the run end in `_over_run`; `None` stands for physics that is off.
    """
    worst = outcome.worst
    efficiencies = [cycle["coulombic_efficiency"] for cycle in cycles if cycle["coulombic_efficiency"] is not None]
    return {
        "title": title,
        "status": outcome.status,
        "simulated_time_s": outcome.last.get("time_s", 0.0),
        "num_steps": outcome.num_steps,
        "wall_s": outcome.wall_s,
        "compile_s": outcome.compile_s,
        "step_wall_ms": outcome.step_wall_ms,
        **{key: outcome.last.get(key) for key in FINAL},
        "charge_closure_relative_error": worst.charge_closure,
        "coating_strain_max_over_run": worst.coating_strain,
        "coating_stress_max_over_run_MPa": worst.coating_stress_MPa,
        "coating_left_behind_max_over_run": worst.coating_left_behind,
        "hot_spot_factor_max_over_run": worst.hot_spot_factor,
        "leaked_plating_fraction_max_over_run": worst.leaked_plating,
        "further_nuclei_expected_over_run": outcome.further_nuclei,
        "overpotential_max_over_run_V": worst.overpotential_V,
        "newton_steps_max_over_run": worst.newton_steps,
        "linear_iterations_max_over_run": worst.linear_iterations,
        "num_cycles": len(cycles) if efficiencies else None,
        "coulombic_efficiency": efficiencies[-1] if efficiencies else None,
        "warning": "; ".join(filter(None, (_leakage(worst.leaked_plating), _nuclei(outcome)))) or None,
        **made,
    }


# What a reader must know before trusting the run.


def _nuclei(outcome: Outcome) -> str | None:
    expected = outcome.further_nuclei
    if expected is None or expected < MOST_NUCLEI:
        return None
    return (
        f"{expected:.2g} further nuclei would form on what is bare of the collector, where the run has none; plate "
        "more slowly, begin with more nuclei, or take the run for one with nuclei at given places"
    )


def _leakage(leaked: float | None) -> str | None:
    if leaked is None or leaked <= MOST_LEAKED:
        return None
    return (
        f"electrons would plate up to {100 * leaked:.3g} % of the current inside and on the coating; the motion leaves "
        f"that out, so beyond {100 * MOST_LEAKED:.0f} % this share only says that the coating does not insulate"
    )
