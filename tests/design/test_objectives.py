"""Terms with a closed form that no run is needed for."""

import pytest

from interphase.config.build import build
from interphase.config.design import wishes
from interphase.config.load import StudyError, read_study
from studies import write_small


def test_a_stack_is_as_soft_as_its_layers_in_series(tmp_path):
    """⟨1/E⟩ of 300 nm of 2 GPa and 200 nm of 10 MPa: the soft layer decides."""
    soft = '{material="peo", thickness="200 nm", modulus="10 MPa"}'
    stiff = '{material="lipon", thickness="300 nm", modulus="2 GPa"}'
    taller = ["grid.cells=[16, 32]", 'grid.size=["1 um", "2 um"]', f"coating.layers=[{stiff}, {soft}]"]
    coating = build(read_study(write_small(tmp_path), taller)).model.stack.coating
    assert coating is not None
    assert float(coating.compliance()) == pytest.approx(0.6 / 2e9 + 0.4 / 10e6, rel=1e-6)


def test_what_electrons_plate_needs_to_know_how_far_they_tunnel(tmp_path):
    file = write_small(tmp_path)
    variable = 'path = "coating.layers[0].thickness"\nlower = "300 nm"\nupper = "500 nm"'
    file.write_text(
        f'{file.read_text()}\n[[design.variables]]\n{variable}\n[[design.terms]]\nname = "inside_plating"\n'
    )
    assert wishes(read_study(file, []))[0][0].name == "inside_plating"
    with pytest.raises(StudyError, match=r"inside_plating needs coating.layers\[0\].tunnelling_thickness"):
        wishes(read_study(file, ["coating.layers[0].material=li2o"]))
