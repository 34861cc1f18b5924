"""Run folders made up from formulas: a bump that rises under a coating, with the values and units of a real run."""

import json
import pathlib

import numpy as np

from interphase.io.fields import FIELDS
from interphase.io.records import SERIES_COLUMNS, Series, write_summary
from interphase.io.trajectory import TrajectoryWriter

WIDTH = 3e-9  # of the diffuse interfaces [m]
THICKNESS = 40e-9  # of the coating [m]
END = 12.0  # [s]
CURRENT = 50.0  # [A/m²]
PLATING_SPEED = 1.347e-10 * CURRENT  # Ω i / F [m/s]

STUDY = """[study]
title = "Bump under a coating <made up & not computed>"

[coating]
thickness = "40 nm"

[[coating.layers]]
modulus = "10 GPa"
"""


def make_run(
    folder: pathlib.Path,
    shape: tuple[int, ...] = (96, 96),
    num_frames: int = 12,
    coating: bool = True,
    mechanics: bool = True,
    status: str = "finished",
) -> pathlib.Path:
    """Writes a run folder without figures and returns it.

    **Arguments:**

    - `shape`: of the grid, normal last, over a box of 300 nm.
    - `coating`, `mechanics`: physics that can be off.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spacing = 300e-9 / shape[0]
    axes = {
        name: (np.arange(n) + 0.5) * spacing for name, n in zip("xz" if len(shape) == 2 else "xyz", shape, strict=True)
    }
    times = np.linspace(0.0, END, num_frames)
    writer, series = None, Series(folder / "series.csv")
    for step, time in enumerate(times):
        values = _frame(time, axes, coating, mechanics)
        if writer is None:
            writer = TrajectoryWriter(folder / "fields.zarr", axes, {name: FIELDS[name] for name in values})
        writer.append(time, values)
        series.append(_row(step, time, END / max(num_frames - 1, 1), coating, mechanics))
    (folder / "study.toml").write_text(STUDY)
    last = _row(num_frames - 1, END, 1.0, coating, mechanics)
    summary = {name: last.get(name) for name in SERIES_COLUMNS if name not in ("time_s", "step", "dt_s")}
    write_summary(
        folder / "summary.json",
        summary
        | {
            "simulated_time_s": END,
            "num_steps": 240,
            "wall_s": 31.4,
            "compile_s": 12.1,
            "step_wall_ms": 80.2,
            "void_area_fraction": None,
            "contact_fraction": None,
            "damage_area_fraction": None,
            "bare_plating_fraction": None,
            "dead_lithium_nm": None,
            "coulombic_efficiency": None,
            "status": status,
            "device": "cpu: AMD EPYC",
            "precision": "float32",
            "git": "bc7fafb",
            "versions": {"interphase": "0.1.0", "jax": "0.12.0.1", "python": "3.12.1"},
        },
    )
    (folder / "log.jsonl").write_text(json.dumps({"event": "start"}) + "\n")
    return folder


def _frame(time: float, axes: dict[str, np.ndarray], coating: bool, mechanics: bool) -> dict[str, np.ndarray]:
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    height, spread = axes["z"][-1] + axes["z"][0], 300e-9
    z = mesh[-1]
    phases = [2 * np.pi * (x / spread - 0.5) for x in mesh[:-1]]
    crest = np.prod([0.5 * (1 + np.cos(p)) for p in phases], axis=0) ** 2
    grown = PLATING_SPEED * time
    amplitude = 25e-9 + 45e-9 * (time / END) ** 1.5
    surface = 40e-9 + grown + amplitude * crest
    outer = surface + THICKNESS * (1 - 0.25 * crest * time / END) if coating else surface
    lithium = 0.5 * (1 - np.tanh((z - surface) / (2 * WIDTH)))
    solids = 0.5 * (1 - np.tanh((z - outer) / (2 * WIDTH)))
    film = solids - lithium
    depth = np.clip((z - surface) / np.maximum(outer - surface, 1e-12), 0, 1)
    hot = 1 + (0.3 + 1.2 * time / END) * (crest - crest.mean())
    drop = 0.12 * np.clip(1 - depth, 0, 1) * hot if coating else 0 * z
    potential = 0.02 * (z - height) / height - drop + 1e-3 * crest * np.exp(-np.clip(z - outer, 0, None) / 60e-9)
    sad = (1 - np.tanh((z - surface) / (2 * WIDTH)) ** 2) / (4 * WIDTH)
    lateral = [CURRENT * 0.5 * np.sin(p) * np.exp(-np.clip(z - outer, 0, None) / 50e-9) * (1 - lithium) for p in phases]
    values = {
        "lithium_fraction": lithium,
        "potential": potential,
        "plating_current": CURRENT * hot,
        "surface_area_density": sad,
        **{f"ionic_current_{a}": v for a, v in zip("xy", lateral, strict=False)},
        "ionic_current_z": -CURRENT * (1 + (hot - 1) * np.exp(-np.clip(z - outer, 0, None) / 50e-9)) * (1 - lithium),
        "salt_concentration": 1000.0 * (0.8 + 0.2 * z / height) * (1 - lithium),
        **{f"velocity_{a}": 0 * z for a in "xyz" if a in axes},
    }
    if mechanics:
        values["hydrostatic_stress"] = -8e6 * lithium * (0.4 + crest) * np.exp(-(surface - z).clip(0) / 30e-9)
        values["von_mises_stress"] = np.abs(values["hydrostatic_stress"]) + 200e6 * film * crest
    if coating:
        values |= {"coating_fraction": film, "coating_depth": depth}
    if coating and mechanics:
        strain = (0.001 + 0.06 * crest * (time / END) * (0.7 + 0.6 * depth)) * (1 - 0.1 * depth)
        bending = (crest * (0.4 + 1.2 * depth) - 0.3) * (time / END)
        values |= {
            "coating_strain": strain,
            "coating_stress": 300e6 * bending.clip(0) + 5e6,
            "coating_lateral_stress": 300e6 * bending,
            "coating_energy_density": 0.5 * 10e9 * strain**2,
        }
    return values


def _row(step: int, time: float, dt: float, coating: bool, mechanics: bool) -> dict[str, float | int | None]:
    share, rng = time / END, np.random.default_rng(step)
    stressed = coating and mechanics
    return {
        "time_s": time,
        "step": 20 * step,
        "dt_s": dt / 20 * (1 + 0.3 * share),
        "charge_C_per_m2": CURRENT * time,
        "plated_thickness_nm": PLATING_SPEED * time * 1e9,
        "current_A_per_m2": CURRENT,
        "metal_potential_V": -0.06 - 0.03 * share,
        "overpotential_V": -0.04 - 0.02 * share if coating else -0.01,
        "hot_spot_factor": 1.2 + 0.9 * share,
        "roughness_peak_to_valley_nm": 25 + 45 * share**1.5,
        "roughness_rms_nm": 8 + 15 * share**1.5,
        "coating_strain_max": 0.001 + 0.07 * share if stressed else None,
        "coating_stress_max_MPa": 5 + 390 * share if stressed else None,
        "elastic_energy_J_per_m2": 0.02 * share**2 if stressed else None,
        "elastic_energy_over_resilience_max": 2.4 * share**2 if stressed else None,
        "lithium_budget_relative_error": 1e-6 * rng.normal() if step else None,
        "charge_closure_relative_error": 1e-7 * rng.normal() if step else None,
        "coating_volume_relative_change": 1e-4 * share if coating else None,
        "coating_bodies": 1 if coating else None,
        "newton_steps": int(rng.integers(3, 6)) if step else None,
        "linear_iterations": int(rng.integers(30, 60)) if step else None,
        "residual": float(10 ** rng.uniform(-8, -6)) if step else None,
        "step_wall_ms": float(rng.uniform(60, 100)) if step else None,
    }
