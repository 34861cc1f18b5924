"""Where lithium plates under flat coatings of four materials, 5 to 100 nm thick; writes `places.csv` beside this."""

import csv
import pathlib

import jax

import interphase

HERE = pathlib.Path(__file__).parent
CELLS = 8  # across the coating
SHARES = ("beneath_plating_fraction", "inside_plating_fraction", "upon_plating_fraction", "bare_plating_fraction")


def shares(material: str, nanometres: float) -> list[float]:
    """After a tenth of a cell has plated at the study's current."""
    cell = nanometres / CELLS
    case, controls = interphase.load(
        HERE,
        f"grid.cells={[4, 4 * CELLS]}",
        f'grid.size=["{4 * cell} nm", "{4 * nanometres} nm"]',
        f"surface.level={nanometres} nm",
        "surface.bumps=[]",
        f"coating.layers[0].material={material}",
        f"coating.layers[0].thickness={nanometres} nm",
        f"protocol.steps[0].duration={0.1 * cell / 1.347} s",
        "output.rows=2",
    )
    last = interphase.simulate(case, controls).last
    return [last[share] for share in SHARES]


def main() -> None:
    with (HERE / "places.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["material", "thickness_nm", *SHARES])
        for material in ("lif", "li3n", "lipon", "peo"):
            for nanometres in (5.0, 10.0, 20.0, 100.0):
                table.writerow([material, nanometres, *shares(material, nanometres)])
                file.flush()


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
