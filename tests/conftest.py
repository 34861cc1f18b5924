"""Set-up of all tests: double precision, two fake CPU devices, checked array types, caches cleared by module."""

import os

os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2").strip()
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that spin would take the core of another worker

import jax
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

jax.config.update("jax_enable_x64", True)
install_import_hook("interphase", "beartype.beartype")

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=12)
settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="module")
def clear_caches():
    """Many large programs of one process exhaust the kernel's count of memory mappings."""
    yield
    jax.clear_caches()
