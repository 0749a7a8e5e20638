"""What a paper prints for a run, in a form that programs can read.

A recipe in configs/ has a constant PAPER: the rows of its paper's tables that
are this run. `python -m tfvssl.train --describe` prints them, `python -m
tfvssl.compare` holds results against them. Imports no TensorFlow.
"""

import dataclasses
import difflib
import types

from tfvssl.config import protocols


@dataclasses.dataclass(frozen=True)
class Benchmark:
  """What one column of the papers' tables measures.

  Attributes:
    title: for people.
    settings: class of those of the protocol of tfvssl.evaluate that measures
      it; None where none does.
    modality: encoder that is measured.
    metric: name in the result.
    classes: of the data set; of a retrieval, the videos to choose from.
    splits: official ones of the data set.
    is_rank: whether it is a rank and not per cent.
    image: how still images go through the network, as --image says it; empty
      where nothing does.
  """

  title: str
  settings: type[protocols.TestViews] | None
  modality: str
  metric: str
  classes: int
  splits: int
  is_rank: bool = False
  image: str = ""

  def printed(self, value: float) -> str:
    """Returns title and value as the papers print them."""
    digits = 0 if self.is_rank else 1
    return f"{self.title} {value:.{digits}f}"


def _video(title, settings, classes, splits, modality="video"):
  return Benchmark(title, settings, modality, "top_1", classes, splits)


def _retrieval(title, videos):
  """Returns the columns of MMV's Table 4 for one data set."""
  found = {}
  for short, name in (
    ("R@1", "recall_at_1"),
    ("R@5", "recall_at_5"),
    ("R@10", "recall_at_10"),
    ("MedR", "median_rank"),
  ):
    found[f"{title.lower()}_{name}"] = Benchmark(
      f"{title} {short}",
      protocols.Retrieval,
      "video",
      f"text_to_video_{name}",
      videos,
      splits=1,
      is_rank=name == "median_rank",
    )
  return found


def _image(strategy, image):
  """Returns the columns of MMV's Table 3 for one way to see an image."""
  found = {}
  pascal, imagenet = protocols.Pascal, protocols.ImageNet
  for name, title, settings, metric, classes in (
    ("voc2007", "PASCAL VOC 2007 mAP", pascal, "mean_average_precision", 20),
    ("imagenet", "ImageNet top-1", imagenet, "top_1", 1000),
    ("imagenet_top_5", "ImageNet top-5", imagenet, "top_5", 1000),
  ):
    found[f"{name}_{strategy}"] = Benchmark(
      title, settings, "video", metric, classes, splits=1, image=image
    )
  return found


# Source: BraVe Sec. 4.2 and appendix B, "broad": appendix E; MMV Sec. 4.1
# (retrieval among 3,190 and 1,000 videos) and 4.4.
BENCHMARKS = {
  "ucf101_linear": _video("UCF101 linear", protocols.Svm, 101, 3),
  "ucf101_finetune": _video("UCF101 fine-tuned", protocols.FineTune, 101, 3),
  "hmdb51_linear": _video("HMDB51 linear", protocols.Svm, 51, 3),
  "hmdb51_finetune": _video("HMDB51 fine-tuned", protocols.FineTune, 51, 3),
  "k600_linear": _video("K600 linear", protocols.Linear, 600, 1),
  "esc50_linear": Benchmark(
    "ESC-50 linear", protocols.Svm, "audio", "top_1", 50, 5
  ),
  "audioset_mlp": Benchmark(
    "AudioSet MLP",
    protocols.ShallowMlp,
    "audio",
    "mean_average_precision",
    527,
    1,
  ),
  "imagenet_linear": _video("ImageNet linear", None, 1000, 1),
  "ucf101_linear_broad": _video(
    "UCF101 linear, broad", protocols.Svm, 101, 3, "rgb"
  ),
  "hmdb51_linear_broad": _video(
    "HMDB51 linear, broad", protocols.Svm, 51, 3, "rgb"
  ),
  **_retrieval("YouCook2", 3190),
  **_retrieval("MSRVTT", 1000),
  **_image("naive_deflation", "naive"),
  **_image("deflation", "trained"),
  **_image("input_inflation", "repeated"),
}


@dataclasses.dataclass(frozen=True)
class Paper:
  """How a paper evaluates, and where it says what.

  Attributes:
    temporal_clips: benchmark to views of a test clip, where they are not as
      many as in the recipe.
    image_sizes: benchmark to the side of a view in pixels, where the paper
      tells it.
    fine_tuned_by_sgd: benchmark to the settings of finetune_sgd, where the
      paper fine-tunes so.
    sources: section of a config to where the paper has its values, instead of
      what the docstrings of its class say.
  """

  temporal_clips: dict[str, int] = dataclasses.field(default_factory=dict)
  image_sizes: dict[str, int] = dataclasses.field(default_factory=dict)
  fine_tuned_by_sgd: dict[str, protocols.FineTuneSgd] = dataclasses.field(
    default_factory=dict
  )
  sources: dict[str, str] = dataclasses.field(default_factory=dict)


# BraVe: "For ESC-50 we use a single window of 5s at test time." (appendix B)
ONE_WINDOW_OF_SOUND = Paper(temporal_clips={"esc50_linear": 1})


@dataclasses.dataclass(frozen=True)
class FineTuned:
  """What the paper's search chose for one data set; source: BraVe Table 7."""

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
  """One row of a table of a paper.

  Attributes:
    table: such as "Table 6", or the appendix.
    row: what stands in its first columns.
    values: name in BENCHMARKS to the number as printed.
    parameters: of the narrow backbone, or MMV's of the video, as the paper
      prints them, such as "23.5M".
    test_frames: of a view in the evaluation; 32 by BraVe Sec. 4.2.
    test_seconds: of a view of sound, where it is not that of training.
    first_split: whether it is the first split alone, not the mean of all.
    fine_tuned: data set to the values of BraVe's Table 7.
    paper: that has the table.

  Raises:
    ValueError: a name that is not a benchmark.
  """

  table: str
  row: str
  values: dict[str, float]
  parameters: str = ""
  test_frames: int = 32
  test_seconds: float | None = None
  first_split: bool = False
  fine_tuned: dict[str, FineTuned] = dataclasses.field(default_factory=dict)
  paper: Paper = ONE_WINDOW_OF_SOUND

  def __post_init__(self):
    for name in self.values:
      benchmark(name)


def linear(hmdb51: float, ucf101: float, k600: float) -> dict[str, float]:
  """Returns values as in BraVe's Tables 1 to 5 and 8, in their order."""
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


def rows_of(recipe: types.ModuleType) -> tuple[Row, ...]:
  """Returns PAPER of a config file; empty where the paper has no such run."""
  return tuple(getattr(recipe, "PAPER", ()))
