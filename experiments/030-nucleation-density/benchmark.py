"""PFHub benchmark 8a, one nucleus near its critical size in 2-D: writes benchmark.csv and prints what the grids say.

python experiments/030-nucleation-density/benchmark.py

The box of 100 × 100 is halved through the nucleus; numbers are those of the whole. r0 = r* itself tests no physics: an
interface of finite width decides it.
"""

import csv
import functools
import itertools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from interphase.grid.grid import Grid
from interphase.physics.nucleus import Nucleus, ball

SIDE, CRITICAL, SHARES = 100.0, 5.0, (0.99, 1.0, 1.01)
DRIVING = np.sqrt(2) / 30
TIMES = (0, 50, 100, 150, 200)
CELLS = (100, 200, 400)
FINEST = (800, 1.01)  # and a share of r*; takes three quarters of an hour more


@functools.partial(jax.jit, static_argnums=0)
def course(cells: int, share: float) -> jax.Array:
    """Area fraction of the nucleus and free energy at every time."""
    h = SIDE / cells
    grid = Grid((cells, cells // 2), (h, h))
    nucleus = Nucleus(
        grid,
        surface_energy=jnp.asarray(1 / (3 * np.sqrt(2))),
        width=jnp.asarray(np.sqrt(2)),
        driving_force=jnp.asarray(DRIVING),
        mobility=jnp.asarray(1.0),
        contact_angle=jnp.asarray(np.pi / 2),
    )
    fraction = ball(grid, share * CRITICAL, np.sqrt(2), (SIDE / 2, 0.0))
    steps = int(np.ceil((TIMES[1] - TIMES[0]) / (0.3 * h**2 / 2)))
    rows = []
    for k in range(len(TIMES)):
        if k:
            fraction = nucleus.relaxed(fraction, float(TIMES[k] - TIMES[k - 1]), steps)
        rows.append(jnp.stack([jnp.mean(fraction), 2 * nucleus.energy(fraction)]))
    return jnp.stack(rows)


def main() -> None:
    with (pathlib.Path(__file__).with_name("benchmark.csv")).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["cells", "r0_over_critical_radius", "time", "area_fraction", "free_energy"])
        for cells, share in (*itertools.product(CELLS, SHARES), FINEST):
            values = np.asarray(course(cells, share))
            for time, (area, energy) in zip(TIMES, values, strict=True):
                writer.writerow([cells, share, time, repr(float(area)), repr(float(energy))])
            print(f"{cells}² {share}", *(f"{100 * a:.5f} % {e:.5f}" for a, e in values), flush=True)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
