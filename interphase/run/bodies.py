"""Is the coating still one piece, did it leave anything behind, and does all lithium hang together?"""

import numpy as np
from scipy import ndimage

REACH = 6  # cells: farther from the coating than its diffuse interface


def bodies(phase: np.ndarray, level: float = 0.5) -> np.ndarray:
    """A number for the connected body that every cell belongs to, zero where there is none.

    **Arguments:** `phase`: volume fraction; the last axis is bounded, across the seams of the others bodies go on.
    """
    labelled: tuple[np.ndarray, int] = ndimage.label(phase > level)  # pyright: ignore[reportAssignmentType]
    labels, num = labelled
    parent = list(range(num + 1))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for axis in range(phase.ndim - 1):
        first, last = np.take(labels, 0, axis).ravel(), np.take(labels, -1, axis).ravel()
        for a, b in {(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if a and b}:
            parent[root(a)] = root(b)
    return np.array([root(i) for i in range(num + 1)])[labels]


def count_bodies(coating: np.ndarray) -> int:
    """Connected bodies of coating."""
    numbers = bodies(coating)
    return np.unique(numbers[numbers > 0]).size


def detached(lithium: np.ndarray) -> float:
    """Lithium in bodies that do not reach the lower wall, the collector: dead, in cells of height per column."""
    numbers = bodies(lithium)
    attached = np.isin(numbers, np.unique(numbers[..., 0]))
    return float(np.sum(lithium, where=~attached & (numbers > 0)) / np.prod(lithium.shape[:-1]))


def left_behind(coating: np.ndarray, lithium: np.ndarray) -> float:
    """Largest coating fraction in the lithium, farther than `REACH` cells from the coating's body [-]."""
    padding = [(REACH, REACH)] * (coating.ndim - 1) + [(0, 0)]
    wrapped = np.pad(coating > 0.5, padding, mode="wrap")
    far = ndimage.distance_transform_edt(~wrapped) if wrapped.any() else np.full(wrapped.shape, np.inf)
    inner = tuple(slice(REACH, -REACH) for _ in range(coating.ndim - 1))
    inside = (np.asarray(far)[inner] > REACH) & (lithium > 0.5)
    return float(np.max(coating, where=inside, initial=0.0))
