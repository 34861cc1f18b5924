"""Terms with a closed form that no run is needed for."""

import pytest

from interphase.config.build import build
from interphase.config.load import read_study
from studies import write_small


def test_a_stack_is_as_soft_as_its_layers_in_series(tmp_path):
    """⟨1/E⟩ of 300 nm of 2 GPa and 200 nm of 10 MPa: the soft layer decides."""
    soft = '{material="peo", thickness="200 nm", modulus="10 MPa"}'
    stiff = '{material="lipon", thickness="300 nm", modulus="2 GPa"}'
    taller = ["grid.cells=[16, 32]", 'grid.size=["1 um", "2 um"]', f"coating.layers=[{stiff}, {soft}]"]
    coating = build(read_study(write_small(tmp_path), taller)).model.stack.coating
    assert coating is not None
    assert float(coating.compliance()) == pytest.approx(0.6 / 2e9 + 0.4 / 10e6, rel=1e-6)
