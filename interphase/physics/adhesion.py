"""How a coating holds on to the collector: by a bond that flows at its strength.

    1/σ_Y → 1/σ_Y + b(z)/σ_b        b: one beside the wall, zero from 4δ/3 on, ∫b dz = δ

The lower wall holds what lies on it, v_z = 0, and lets it slide. So the foot of a nucleus can widen only as fast as it
pushes the coating aside. In the lowest δ of the coating it is the bond that gives way, as a perfectly plastic layer
whose von Mises stress is at most σ_b: the coating above it is lifted, at a cost of about σ_b δ per area, and lithium
comes between. A bond keeps its volume: no void opens, and what is pulled off evenly, with no lithium to come after it,
does not come off. What the bond yields is not counted as strain of the coating.
"""

from interphase.arrays import Cells, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.materials.substrate import Bond
from interphase.physics.creep import MaxwellYield
from interphase.physics.interface import smooth_step
from interphase.physics.momentum import Phase, Response
from interphase.units import Scales

REACH = (2 / 3, 4 / 3)  # of its thickness, between which the bond fades into the coating


def share(bond: Bond, scales: Scales, grid: Grid) -> Cells:
    """b: how much of a place is bond."""
    height = grid.cell_centres()[-1] * scales.length / bond.thickness
    return 1 - smooth_step(height, *REACH)


def bonded(strength: Cells, bond: Bond, scales: Scales, grid: Grid) -> Cells:
    """Yield strength of a coating with its bond [-], from that of the coating."""
    return 1 / (1 / strength + share(bond, scales, grid) * scales.stress / bond.strength)


def slip(phase: Phase, response: Response, bond: Bond, scales: Scales, grid: Grid) -> Stresses:
    """Strain by which the bond gives way in a step: of what flows, its share in 1/σ_Y.

    **Arguments:** `phase`: the coating, and `response`, its answer to the step.
    """
    assert isinstance(phase.flow, MaxwellYield)
    deviator = response.stress.at[:3].add(-summed(response.stress[:3]) / 3)
    flowed = (1 / response.factor - 1) / (2 * phase.shear_modulus) * deviator
    return share(bond, scales, grid) * scales.stress / bond.strength * phase.flow.yield_strength * flowed
