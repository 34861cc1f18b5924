"""How the four waves of this study grew, against linear theory: prints a table, draws waves.png.

python experiments/003-bare-lithium/waves.py RUN_FOLDER
"""

import pathlib
import sys

import numpy as np

from interphase.io.trajectory import Trajectory
from interphase.report import style
from interphase.report.section import deposit_height

FARADAY, THERMAL = 96485.33, 8.314463 * 298.15 / 96485.33  # [C/mol], [V]
MOLAR_VOLUME = 1.30e-5  # of lithium [m³/mol], as in the library
CURRENT, EXCHANGE = 10.0, 7000.0  # of the study [A/m²]
CONDUCTIVITY = 1.19  # of 1 M LiPF6 in EC:DMC at the reservoir [S/m], as in the library
SURFACE_ENERGY = 0.5  # of lithium [J/m²], as in the library
LENGTHS = {8e-6: 16, 16e-6: 8, 32e-6: 4, 64e-6: 2}  # [m] → waves in the box


def growth_rate(wavelength: float) -> float:
    """ω(k) [1/s] of a bare surface; Monroe & Newman, J. Electrochem. Soc. 151 (2004) A880."""
    k, speed = 2 * np.pi / wavelength, MOLAR_VOLUME / FARADAY
    resistance = THERMAL / np.sqrt(EXCHANGE**2 + (CURRENT / 2) ** 2)
    drive = CURRENT - CONDUCTIVITY * speed * SURFACE_ENERGY * k**2
    return speed * k * drive / (1 + CONDUCTIVITY * resistance * k)


def amplitudes(trajectory: Trajectory) -> np.ndarray:
    """Of every frame and wave in the box [nm]."""
    heights = np.stack([deposit_height(trajectory, frame) for frame in range(len(trajectory))])
    return 2 * np.abs(np.fft.rfft(heights, axis=1)) / heights.shape[1]


def main(folder: pathlib.Path) -> None:
    trajectory = Trajectory(folder / "fields.zarr")
    time, size = np.asarray(trajectory.time), amplitudes(trajectory)
    spacing = trajectory.axes["x"][1] - trajectory.axes["x"][0]
    figure = style.new_figure(4.6, 3.2)
    axes = figure.subplots()
    print("wavelength (µm)  cells a wave  measured ω (1/s)  theory (1/s)")
    for colour, (length, waves) in zip(style.LINES, LENGTHS.items(), strict=False):
        measured = np.polyfit(time, np.log(size[:, waves]), 1)[0]
        theory = growth_rate(length)
        print(f"{length * 1e6:15.0f}  {length / spacing:12.0f}  {measured:16.2e}  {theory:12.2e}")
        axes.plot(time / 60, size[:, waves], "o", color=colour, markersize=3.5, label=f"{length * 1e6:.0f} µm")
        axes.plot(time / 60, size[0, waves] * np.exp(theory * (time - time[0])), color=colour)
    axes.set_xlabel("time (min)")
    axes.set_ylabel("amplitude (nm)")
    axes.set_title("Four waves: dots measured, lines theory")
    axes.legend(frameon=False, ncols=2)
    figure.savefig(pathlib.Path(__file__).with_name("waves.png"), dpi=style.DPI)


if __name__ == "__main__":
    with style.styled():
        main(pathlib.Path(sys.argv[1]))
