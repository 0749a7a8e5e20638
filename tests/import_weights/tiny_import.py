"""tfvssl.import_weights for a published network that is small."""

from tests import published_files
from tfvssl.import_weights import __main__ as import_weights
from tfvssl.import_weights import brave


def main(argv: list[str]) -> int:
  """Runs the command and returns its exit code."""
  brave.BLOCKS = published_files.TINY_BLOCKS
  return import_weights.main(argv)
