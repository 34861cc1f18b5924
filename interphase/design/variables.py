"""What is free: numbers of a case as one vector in the unit cube.

    p = lower·(upper/lower)^u    or    p = lower + u·(upper − lower),        u ∈ [0, 1]

A profile has one u per control point, inner face first.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from interphase.run.case import Case

Point = Float[Array, " variables"]
Put = Callable[[Case, Array], Case]


class Variable(eqx.Module):
    """One free number, or one free profile.

    **Arguments:**

    - `path`: its key in the study; `dimension`: of its unit, to write it with.
    - `put`: puts values of shape `(points,)` [SI] into a case.
    - `lower`, `upper`: bounds [SI]; `logarithmic`: whether u is linear in the logarithm.
    - `points`: control points.
    """

    path: str = eqx.field(static=True)
    dimension: str = eqx.field(static=True)
    put: Put = eqx.field(static=True)
    lower: float = eqx.field(static=True)
    upper: float = eqx.field(static=True)
    logarithmic: bool = eqx.field(static=True)
    points: int = eqx.field(static=True, default=1)

    def value(self, unit: Array | np.ndarray | float) -> Any:
        """p(u) [SI]."""
        if self.logarithmic:
            return self.lower * (self.upper / self.lower) ** unit
        return self.lower + unit * (self.upper - self.lower)

    def unit(self, value: Any) -> np.ndarray:
        """u(p), cut off at the bounds."""
        value = np.broadcast_to(np.asarray(value, float), (self.points,))
        if self.logarithmic:
            unit = np.log(value / self.lower) / np.log(self.upper / self.lower)
        else:
            unit = (value - self.lower) / (self.upper - self.lower)
        return np.clip(unit, 0.0, 1.0)

    @property
    def names(self) -> list[str]:
        """A column name per control point."""
        return [self.path] if self.points == 1 else [f"{self.path}[{k}]" for k in range(self.points)]


class Variables(eqx.Module):
    """All that is free, in order."""

    members: tuple[Variable, ...] = eqx.field(static=True)

    @property
    def size(self) -> int:
        return sum(member.points for member in self.members)

    @property
    def names(self) -> list[str]:
        return [name for member in self.members for name in member.names]

    def values(self, point: Point) -> dict[str, Array]:
        """Path → values of shape `(points,)` [SI]."""
        ends = np.cumsum([member.points for member in self.members])
        parts = jnp.split(point, ends[:-1])
        return {member.path: member.value(part) for member, part in zip(self.members, parts, strict=True)}

    def point(self, values: Mapping[str, Any]) -> np.ndarray:
        """The vector of values [SI] given by path."""
        return np.concatenate([member.unit(values[member.path]) for member in self.members])

    def applied(self, case: Case, point: Point) -> Case:
        """The case with the values of `point` in it."""
        values = self.values(point)
        for member in self.members:
            case = member.put(case, values[member.path])
        return case
