"""Runs this study with the silver that swells, with one that does not, and with the same layer without storage.

python experiments/027-alloy-interlayer/layers.py
"""

import csv
import pathlib

import jax
import numpy as np

from interphase.config.build import build, controls
from interphase.config.load import read_study
from interphase.report import style
from interphase.run.simulate import simulate

HERE = pathlib.Path(__file__).parent
NO_STORAGE = dict.fromkeys(
    ("alloy_capacity", "alloying_potential", "alloying_width", "swelling", "initial_occupancy"), None
)
LAYERS = {"no storage": NO_STORAGE, "no swelling": {"swelling": (0.0,)}, "silver": {}}
FRESH = {"initial_occupancy": (0.02,), "exchange_current": (1e-4,)}  # empty, and lithium next to does not reach it
COLUMNS = (
    "time_s", "protocol_step", "metal_potential_V", "charge_C_per_m2", "plated_thickness_nm", "alloy_lithium_nm",
    "alloy_filling_mean", "alloy_swelling_fraction", "surface_occupancy_min", "vacant_thickness_nm",
    "coating_compression_max_MPa", "coating_stress_max_MPa", "stack_pressure_MPa", "lithium_budget_relative_error",
    "charge_closure_relative_error", "coating_volume_relative_change", "newton_steps",
)  # fmt: skip


def course(study, name: str) -> dict[str, np.ndarray]:
    """The rows of a run."""
    rows: list[dict] = []

    def keep(progress):
        if progress.row and (not rows or progress.row["time_s"] != rows[-1]["time_s"]):
            rows.append(progress.row)

    outcome = simulate(build(study), controls(study), tell=keep)
    if rows[-1]["time_s"] != outcome.last["time_s"]:
        rows.append(outcome.last)
    print(f"{name}: {outcome.status}, {outcome.num_steps} steps, {outcome.wall_s:.0f} s", flush=True)
    return {key: np.array([np.nan if row[key] is None else row[key] for row in rows], float) for key in COLUMNS}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    study = read_study(HERE)
    assert study.coating is not None
    (layer,) = study.coating.layers
    courses = {}
    for name, changes in LAYERS.items():
        coating = study.coating.model_copy(update={"layers": (layer.model_copy(update=changes),)})
        courses[name] = course(study.model_copy(update={"coating": coating}), name)
    filled = study.protocol.steps[1].model_copy(update={"duration": 3 * 3600.0, "potential_limit": -0.02})
    changes = {
        "coating": study.coating.model_copy(update={"layers": (layer.model_copy(update=FRESH),)}),
        "protocol": study.protocol.model_copy(update={"steps": (filled, filled)}),
    }
    courses["fresh"] = course(study.model_copy(update=changes), "fresh")
    with (HERE / "layers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", *COLUMNS])
        for name, rows in courses.items():
            writer.writerows([name, *values] for values in zip(*(rows[key] for key in COLUMNS), strict=True))

    figure = style.new_figure(9.6, 6.4)
    (potential, surface), (thickness, isotherm) = figure.subplots(2, 2)
    for (name, rows), hue in zip(courses.items(), style.LINES, strict=False):
        if name == "fresh":
            continue
        minutes = rows["time_s"] / 60
        potential.plot(minutes, rows["metal_potential_V"] * 1e3, color=hue, label=name)
        surface.plot(minutes, rows["surface_occupancy_min"] * 100, color=hue)
        thickness.plot(minutes, rows["alloy_swelling_fraction"] * 100, color=hue)
    rows = courses["fresh"]
    isotherm.plot(rows["alloy_filling_mean"] * 100, rows["metal_potential_V"] * 1e3, color=style.LINES[3], label="run")
    taken = np.linspace(0.02, 0.999, 400)
    expected = layer.alloying_potential[0] + layer.alloying_width[0] * np.log((1 - taken) / taken)
    isotherm.plot(taken * 100, expected * 1e3, color=style.BLACK, linewidth=0.8, linestyle=":", label="isotherm")
    potential.set_title("Potential of the metal (mV)")
    surface.set_title("Lattice sites of the surface that hold an atom (%)")
    thickness.set_title("Thickness gained by the layer (%)")
    isotherm.set_title("A fresh layer that fills: potential (mV)")
    for axes in (potential, surface, thickness):
        axes.set_xlabel("minutes")
    isotherm.set_xlabel("filling of the layer (%)")
    for axes in (potential, surface, thickness, isotherm):
        axes.grid(True)
    potential.legend()
    isotherm.legend()
    style.save(figure, HERE / "layers.png")


if __name__ == "__main__":
    with style.styled():
        main()
