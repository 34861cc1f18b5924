"""Names of array types: what an array is and where on the grid it lives.

Component axes come first, grid axes last; the last grid axis is the electrode normal.
Arrays at faces and edges hold the *lower* face or edge of each cell, so all grid arrays share one shape.
"""

from typing import TypeAlias

from jaxtyping import Array, Float

Scalar: TypeAlias = Float[Array, ""]
Cells: TypeAlias = Float[Array, "*grid"]  # one number per cell
CellVectors: TypeAlias = Float[Array, "dim *grid"]  # one vector per cell
Faces: TypeAlias = Float[Array, "dim *grid"]  # component a at the lower face along axis a
Edges: TypeAlias = Float[Array, "pairs *grid"]  # component (a, b), a < b, at the lower edge (2-D: corner) along a and b
Stresses: TypeAlias = Float[Array, "six_or_four *grid"]  # three normal components, then the shear pairs
Places: TypeAlias = Float[Array, "dim places"]  # any number of points, in indices of cells
AtPlaces: TypeAlias = Float[Array, " places"]  # one number per point
