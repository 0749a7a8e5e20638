"""Self-supervised video representation learning in TensorFlow."""

import os
import warnings

# TensorFlow reads it once, while it is imported, and greets with a dozen lines
# otherwise, three of them "errors" about libraries of GPUs; what fails is
# raised in any case. What the user has set stays.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A library that tf-models brings speaks of its own plans for Python 3.11.
warnings.filterwarnings("ignore", "You are using a Python", FutureWarning)

__version__ = "0.1.0"
