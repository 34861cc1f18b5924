"""The resistance of a contact against pressure, from runs of this study, beside what was measured.

python experiments/022-rough-contact-resistance/resistance.py RUN_FOLDER=LABEL RUN_FOLDER=LABEL …

A hold and a pulse at every pressure: R = what the pulse adds to the potential at rest, over its current. A cell has two
such contacts. Measured: a symmetric cell of lithium and Li₆PS₅Cl (Doux et al., Adv. Energy Mater. 10 (2020) 1903253, as
quoted by Tang et al., Energy Environ. Sci. 14 (2021) 602); "more than 500 Ω" at 1 MPa.
"""

import dataclasses
import pathlib
import sys

import numpy as np
from matplotlib import ticker

from interphase.report import style
from interphase.report.run_folder import read_run

MEASURED = {1: 500.0, 5: 110.0, 10: 50.0, 15: 40.0, 20: 35.0, 25: 32.0}  # [MPa] → [Ω]; the first is a lower bound
CONTACTS = 2  # of a symmetric cell
AREA = 1e-4  # of the cell [m²]: not reported by the review, assumed
REACTION = 3.64e-4  # of a contact that touches everywhere: RT/F over the library's 70.6 A/m² [Ω m²]
FITTED = (1.0, 68.0)  # to what was measured from 5 to 25 MPa, of the law of the faces alone: bulk [Ω], p_c [MPa]


@dataclasses.dataclass(frozen=True)
class Curve:
    """Pressures [MPa] in order, resistance of one contact with its solid [Ω m²], share that touches."""

    pressure: np.ndarray
    resistance: np.ndarray
    touching: np.ndarray


def curve(folder: str) -> Curve:
    """From the last row of every step of the protocol: holds and pulses take turns."""
    series = read_run(folder).series
    step = series["protocol_step"].astype(int)
    last = np.array([np.flatnonzero(step == k)[-1] for k in range(1, step.max() + 1)])
    hold, pulse = last[0::2], last[1::2]
    added = series["overpotential_V"][hold[: len(pulse)]] - series["overpotential_V"][pulse]
    return Curve(
        np.round(series["stack_pressure_MPa"][pulse], 2),
        added / series["current_A_per_m2"][pulse],
        series["contact_fraction"][pulse],
    )


def main(arguments: list[str]) -> None:
    curves = [(curve(folder), label) for folder, label in (argument.rsplit("=", 1) for argument in arguments)]
    figure = style.new_figure(9.6, 4.0)
    resistances, shares = figure.subplots(1, 2)
    for (one, label), hue in zip(curves, style.LINES, strict=False):
        loading = int(np.argmax(one.pressure)) + 1
        cell = CONTACTS * one.resistance / AREA
        print(label)
        for k, (pressure, value, share) in enumerate(zip(one.pressure, cell, one.touching, strict=True)):
            way = "loading" if k < loading else "unloading"
            measured = MEASURED.get(round(float(pressure))) if k < loading else None
            ratio = "" if measured is None else f", measured {measured:g} Ω, ratio {value / measured:.2f}"
            print(f"  {pressure:g} MPa, {way}: {value:.1f} Ω, {100 * share:.1f} % touch{ratio}")
        for axes, values in ((resistances, cell), (shares, 100 * one.touching)):
            axes.plot(one.pressure[:loading], values[:loading], "o-", color=hue, label=label)
            axes.plot(one.pressure[loading - 1 :], values[loading - 1 :], "s--", color=hue, markerfacecolor="none")
    pressure = np.geomspace(1.0, 25.0)
    bulk, half = FITTED
    flat = bulk + CONTACTS * REACTION / AREA * (1 + half / pressure)
    resistances.plot(pressure, flat, ":", color="0.4", label=f"flat faces, p/(p + {half:g} MPa), fitted")
    at = np.array(list(MEASURED))
    resistances.plot(at[1:], list(MEASURED.values())[1:], "k*", markersize=11, label="measured, Li|Li₆PS₅Cl|Li")
    resistances.plot(at[0], MEASURED[1], "k^", markersize=9, label="measured: more than")
    resistances.set_ylabel("Two contacts on 1 cm² (Ω)")
    shares.set_ylabel("Faces that touch (%)")
    for axes in (resistances, shares):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("stack pressure (MPa); dashed: unloading")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(ticker.FormatStrFormatter("%g"))
            axis.set_minor_locator(ticker.NullLocator())
        axes.grid(True)
    resistances.legend()
    style.save(figure, pathlib.Path(__file__).with_name("resistance.png"))


if __name__ == "__main__":
    with style.styled():
        main(sys.argv[1:])
