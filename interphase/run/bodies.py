"""Is the coating still one piece, and did it leave anything behind?"""

import numpy as np
from scipy import ndimage

REACH = 6  # cells: farther from the coating than its diffuse interface


def count_bodies(coating: np.ndarray, level: float = 0.5) -> int:
    """Connected bodies of coating, across the periodic seams.

    **Arguments:**

    - `coating`: volume fraction; the last axis is bounded, the others are periodic.
    """
    labels, num = ndimage.label(coating > level)  # pyright: ignore[reportGeneralTypeIssues]
    parent = list(range(num + 1))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for axis in range(coating.ndim - 1):
        first, last = np.take(labels, 0, axis).ravel(), np.take(labels, -1, axis).ravel()
        for a, b in {(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if a and b}:
            parent[root(a)] = root(b)
    return len({root(i) for i in range(1, num + 1)})


def left_behind(coating: np.ndarray, lithium: np.ndarray) -> float:
    """Largest coating fraction in the lithium, farther than `REACH` cells from the coating's body [-]."""
    padding = [(REACH, REACH)] * (coating.ndim - 1) + [(0, 0)]
    wrapped = np.pad(coating > 0.5, padding, mode="wrap")
    far = ndimage.distance_transform_edt(~wrapped) if wrapped.any() else np.full(wrapped.shape, np.inf)
    inner = tuple(slice(REACH, -REACH) for _ in range(coating.ndim - 1))
    inside = (np.asarray(far)[inner] > REACH) & (lithium > 0.5)
    return float(np.max(coating, where=inside, initial=0.0))
