"""interphase: lithium plating under a coating, as a differentiable simulation.

    import jax
    import interphase

    jax.config.update("jax_enable_x64", True)
    case, controls = interphase.load("experiments/001-plating-under-a-coating")
    outcome = interphase.simulate(case, controls)

In a script the first line that touches JAX is the one that asks for double precision.
"""

import importlib
from typing import Any

_HOMES = {
    "load": "interphase.config.study",
    "simulate": "interphase.run.simulate",
    "Case": "interphase.run.case",
    "stacked": "interphase.run.case",
    "Model": "interphase.model",
    "StudyError": "interphase.config.load",
    "RunError": "interphase.run.simulate",
}
__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Finds a public name when it is first used: the core stays free of what study files and reports need."""
    if name not in _HOMES:
        raise AttributeError(f"interphase has no {name}; it has {', '.join(_HOMES)}")
    return getattr(importlib.import_module(_HOMES[name]), name)
