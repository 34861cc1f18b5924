"""What `interphase bench` measures: one bump under one coating on grids of several sizes."""

from typing import Any

GRIDS = ((64, 64), (128, 128), (256, 256), (32, 32, 32), (64, 64, 64))


def bench_study(cells: tuple[int, ...], precision: str) -> dict[str, Any]:
    """The study as plain data."""
    return {
        "title": "bench",
        "grid": {"cells": list(cells), "size": ["1.024 um"] * len(cells)},
        "surface": {"level": "200 nm", "bumps": [{"height": "60 nm", "radius": "150 nm"}]},
        "coating": {"layers": [{"material": "lipon", "thickness": "200 nm"}]},
        "electrolyte": {"material": "lipf6-ec-dmc"},
        "protocol": {"steps": [{"duration": "10 s", "current": "1 mA/cm^2"}]},
        "numerics": {"precision": precision},
    }
