"""Every term of a design by every kind of variable: reverse mode, forward mode and central differences agree."""

import pytest

from interphase.config.load import read_study
from interphase.verbs.gradients import LARGEST_ERROR, compare_gradients, worst
from studies import write_small

IN_SPACE = ["grid.cells=[8, 8, 20]", "grid.size=['512 nm', '512 nm', '1.28 um']"]
FREE = """
[coating.mosaic]
correlation_length = "200 nm"
ionic_conductivity = 0.3

[[design.variables]]
path = "coating.layers[0].modulus"
lower = "1 GPa"
upper = "100 GPa"

[[design.variables]]
path = "coating.layers[0].thickness"
lower = "390 nm"
upper = "420 nm"

[[design.variables]]
path = "coating.layers[0].ionic_conductivity"
lower = "1e-5 S/m"
upper = "0.1 S/m"

[[design.variables]]
path = "protocol.current"
lower = "5 A/m^2"
upper = "20 A/m^2"
"""


@pytest.mark.slow  # compiles the run forward, in reverse and in forward mode: five to ten minutes
@pytest.mark.parametrize("grid", [[], IN_SPACE], ids=["2-D", "3-D"])
def test_gradients_of_every_term(tmp_path, grid):
    file = write_small(tmp_path)
    file.write_text(file.read_text() + FREE)
    brief = ["protocol.steps[0].duration=0.5 s", "numerics.first_step=0.05 s"]
    rows, cost = compare_gradients(read_study(file, [*brief, *grid]))
    assert len(rows) == 6 * 4
    assert worst(rows) is None, worst(rows)
    for row in rows:
        assert abs(row.reverse - row.forward) <= 1e-6 * row.largest
    assert LARGEST_ERROR <= 1e-4
    assert cost.num_steps >= 4
