"""Turns video files into records."""

import os
import warnings

# As in tfvssl, which a binary of this folder may import after TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", "You are using a Python", FutureWarning)
