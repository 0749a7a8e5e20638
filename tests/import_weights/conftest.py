"""Golden parameters are imported, too: the fixtures of their tests."""

from tests.golden.mmv.conftest import mmv_dir
from tests.golden.mmv.conftest import mmv_golden

__all__ = ["mmv_dir", "mmv_golden"]
