"""Holds a result of tfvssl.evaluate against the paper's number.

  python -m tfvssl.compare --result=RUN/results/NAME.json \\
      --config=brave/va_audioset --benchmark=ucf101_linear

Prints what was measured, what the paper has, and everything that the result
and its run did otherwise than the recipe.
"""

from collections.abc import Sequence

from absl import flags as absl_flags
from ml_collections import config_flags

from tfvssl.compare import comparison
from tfvssl.config import flag
from tfvssl.config import paper_rows
from tfvssl.config import recipes
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_CONFIG = flag.define_config()
_RESULT = absl_flags.DEFINE_string(
  "result", None, "Result file of tfvssl.evaluate, RUN/results/NAME.json."
)
_BENCHMARK = absl_flags.DEFINE_string(
  "benchmark",
  None,
  f"Which of the paper's numbers: {', '.join(paper_rows.BENCHMARKS)}.",
)


def main(argv: Sequence[str]) -> int:
  """Compares and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _RESULT.value:
    raise ValueError(
      "--result is missing; for example --result=RUN/results/NAME.json"
    )
  if not _BENCHMARK.value:
    raise ValueError(
      "--benchmark is missing; for example --benchmark=ucf101_linear"
    )
  recipe = flag.read_config()
  file = config_flags.get_config_filename(absl_flags.FLAGS["config"])
  rows = paper_rows.rows_with(
    paper_rows.rows_of(recipes.load(file)), _BENCHMARK.value
  )
  path = storage.Path(_RESULT.value)
  result = comparison.read_result(path)
  print(comparison.evaluation_text(result, recipe, rows, _BENCHMARK.value))
  print()
  print(comparison.training_text(path, recipe))
  return exit_codes.OK


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
