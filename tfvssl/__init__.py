"""Self-supervised video representation learning in TensorFlow.

`tfvssl.from_pretrained(RUN)` gives a run's networks as Keras models;
`tfvssl.load(EXPORT)` embeds and searches. _LAZY says where they are.
"""

import importlib
import os
from typing import Any
import warnings

# TensorFlow reads it once, while it is imported, and greets with a dozen lines
# otherwise, three of them "errors" about GPUs; what fails is raised anyway.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A library that tf-models brings speaks of its own plans for Python 3.11.
warnings.filterwarnings("ignore", "You are using a Python", FutureWarning)

__version__ = "0.2.0"
__path__.append(f"{__path__[0]}/evaluate/public_names")  # tfvssl.pretrained

_LAZY = {"from_pretrained": "tfvssl.pretrained", "load": "tfvssl.search.model"}


def __getattr__(name: str) -> Any:
  """Returns what loads TensorFlow when it is asked for."""
  if name in _LAZY:
    return getattr(importlib.import_module(_LAZY[name]), name)
  raise AttributeError(f"module 'tfvssl' has no attribute '{name}'")
