"""tfvssl.pretrained, the public name of tfvssl.evaluate.pretrained.

tfvssl/__init__.py has this folder on its path. Programs import it by this name,
and Keras does for the models that it saved before the module moved.
"""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("tfvssl.evaluate.pretrained")
