"""What the paper prints for a run, in a form that programs can read.

A recipe in configs/ has a constant PAPER: the rows of the paper's tables that
are this run. `python -m tfvssl.train --describe` prints them, `python -m
tfvssl.compare` holds results against them. Imports no TensorFlow.
"""

import dataclasses
import difflib
import importlib.util
import pathlib
import types

from tfvssl import protocols


@dataclasses.dataclass(frozen=True)
class Benchmark:
  """What one column of the paper's tables measures.

  Attributes:
    title: for people.
    protocol: name in the result of tfvssl.evaluate; empty where it has none.
    modality: encoder that is measured.
    metric: name in the result.
    classes: of the data set.
    splits: official ones that the paper averages over, Sec. 4.2.
    temporal_clips: of a test clip, where the data set has its own number.
  """

  title: str
  protocol: str
  modality: str
  metric: str
  classes: int
  splits: int
  temporal_clips: int | None = None


def _video(title, protocol, classes, splits, modality="video"):
  return Benchmark(title, protocol, modality, "top_1", classes, splits)


# Source: paper Sec. 4.2 and appendix B; "broad": appendix E.
BENCHMARKS = {
  "ucf101_linear": _video("UCF101 linear", "svm", 101, 3),
  "ucf101_finetune": _video("UCF101 fine-tuned", "finetune", 101, 3),
  "hmdb51_linear": _video("HMDB51 linear", "svm", 51, 3),
  "hmdb51_finetune": _video("HMDB51 fine-tuned", "finetune", 51, 3),
  "k600_linear": _video("K600 linear", "linear", 600, 1),
  # "For ESC-50 we use a single window of 5s at test time."
  "esc50_linear": Benchmark("ESC-50 linear", "svm", "audio", "top_1", 50, 5, 1),
  "audioset_mlp": Benchmark(
    "AudioSet MLP", "mlp", "audio", "mean_average_precision", 527, 1
  ),
  "imagenet_linear": _video("ImageNet linear", "", 1000, 1),
  "ucf101_linear_broad": _video("UCF101 linear, broad", "svm", 101, 3, "rgb"),
  "hmdb51_linear_broad": _video("HMDB51 linear, broad", "svm", 51, 3, "rgb"),
}


@dataclasses.dataclass(frozen=True)
class FineTuned:
  """What the paper's search chose for one data set; source: paper Table 7."""

  dropout: float
  learning_rate: float
  weight_decay: float

  def settings(self, batch_size: int) -> protocols.FineTune:
    """Returns the protocol with a grid of these values alone."""
    return protocols.FineTune(
      batch_size=batch_size,
      learning_rates=(self.learning_rate,),
      weight_decays=(self.weight_decay,),
      dropouts=(self.dropout,),
    )


@dataclasses.dataclass(frozen=True)
class Row:
  """One row of a table of the paper.

  Attributes:
    table: such as "Table 6", or the appendix.
    row: what stands in its first columns.
    values: name in BENCHMARKS to per cent, as printed.
    parameters: of the narrow backbone as printed, such as "23.5M".
    test_frames: of a view in the evaluation; 32 by paper Sec. 4.2.
    fine_tuned: data set to the values of Table 7.

  Raises:
    ValueError: a name that is no benchmark.
  """

  table: str
  row: str
  values: dict[str, float]
  parameters: str = ""
  test_frames: int = 32
  fine_tuned: dict[str, FineTuned] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    for name in self.values:
      benchmark(name)


def linear(hmdb51: float, ucf101: float, k600: float) -> dict[str, float]:
  """Returns the values of a row of Tables 1 to 5 and 8, in their order."""
  return {
    "hmdb51_linear": hmdb51,
    "ucf101_linear": ucf101,
    "k600_linear": k600,
  }


def benchmark(name: str) -> Benchmark:
  """Returns the benchmark of that name.

  Raises:
    ValueError: there is none; the nearest name is in the message.
  """
  if name not in BENCHMARKS:
    raise ValueError(
      f"benchmark '{name}' is unknown; {_nearest(name, list(BENCHMARKS))}"
    )
  return BENCHMARKS[name]


def _nearest(name, known):
  near = difflib.get_close_matches(name, known, n=1)
  return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}."


def rows_with(rows: tuple[Row, ...], name: str) -> list[Row]:
  """Returns the rows that have a value for the benchmark `name`.

  Raises:
    ValueError: none has, or there is no such benchmark.
  """
  benchmark(name)
  found = [row for row in rows if name in row.values]
  if not found:
    known = sorted({known for row in rows for known in row.values})
    raise ValueError(
      f"the paper has no {name} for this run; it has:"
      f" {', '.join(known) or 'no number at all'}."
    )
  return found


def load_recipe(path: str | pathlib.Path) -> types.ModuleType:
  """Returns the config file `path`, executed, as a module.

  Args:
    path: as --config takes it: what follows a colon is for get_config().

  Raises:
    FileNotFoundError: there is no such file.
  """
  path = pathlib.Path(str(path).split(":")[0])
  if not path.is_file():
    raise FileNotFoundError(f"{path} does not exist; recipes are in configs/.")
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def rows_of(recipe: types.ModuleType) -> tuple[Row, ...]:
  """Returns PAPER of a config file; empty where the paper has no such run."""
  return tuple(getattr(recipe, "PAPER", ()))
