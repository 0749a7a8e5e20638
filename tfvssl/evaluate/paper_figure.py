"""A result's figure and the paper's: whether the two can be compared.

Imports no TensorFlow.
"""

from typing import NamedTuple

from tfvssl.config import experiment
from tfvssl.config import paper_rows
from tfvssl.config import tree
from tfvssl.evaluate.protocols import known

# They are not part of what is trained.
_NOT_TRAINED = (
  "data.",
  "runtime.",
  "logging.",
  *(f"{name}." for name in experiment.protocol_sections()),
  # Of files on the disk, of which a recipe knows nothing.
  "method.partners.text.view.words_sha256",
)


class Difference(NamedTuple):
  """What the result has otherwise than the paper, in words."""

  name: str
  here: object
  paper: object


def measured(result: dict, name: str) -> float:
  """Returns the figure of `result` for a benchmark: per cent, or a rank.

  Raises:
    ValueError: it is a result of another protocol or encoder, or has no such
      figure.
  """
  benchmark = paper_rows.benchmark(name)
  if benchmark.settings is None:
    raise ValueError(
      f"--benchmark={name} is measured by no --protocol of tfvssl.evaluate."
    )
  protocol, mean = result["protocol"], result["pretrained"]["mean"]
  wanted, found = known.with_settings(benchmark.settings), _protocol_of(result)
  # Of two ways to measure it `differences` tells which is the paper's.
  if found is None or wanted not in (found, found.STANDS_FOR):
    raise ValueError(
      f"--benchmark={name} is measured with --protocol={wanted.NAME};"
      f" the result has {protocol['name']}."
    )
  if protocol["modality"] != benchmark.modality:
    raise ValueError(
      f"--benchmark={name} is measured with --modality={benchmark.modality};"
      f" the result has {protocol['modality']}."
    )
  if protocol.get("image", "") != benchmark.image:
    raise ValueError(
      f"--benchmark={name} is measured with --image={benchmark.image}; the"
      f" result has {protocol.get('image')}."
    )
  if mean.get(benchmark.metric) is None:
    raise ValueError(
      f"--benchmark={name} is about `{benchmark.metric}`; the result has:"
      f" {', '.join(mean)}."
    )
  return as_printed(mean[benchmark.metric], benchmark)


def as_printed(value: float, benchmark: paper_rows.Benchmark) -> float:
  """Returns a value of a result as the papers print it: per cent, or a rank."""
  return value if benchmark.is_rank else 100 * value


def differences(
  result: dict,
  recipe: experiment.Experiment,
  row: paper_rows.Row,
  name: str,
) -> list[Difference]:
  """Returns what makes the comparison unfair, as far as the result tells."""
  benchmark = paper_rows.benchmark(name)
  protocol = result["protocol"]
  splits = 1 if row.first_split else benchmark.splits
  settings = _settings_of(recipe, row, name)
  papers = known.with_settings(type(settings))
  counted, count = papers.size(result)
  pairs = [
    ("checkpoint step", result["checkpoint_step"], recipe.steps),
    (counted, count, benchmark.classes),
    ("splits", len(result["splits"]), splits),
    (
      "frames of a view",
      _of_view(protocol, "num_frames"),
      1 if benchmark.image else row.test_frames,
    ),
    ("C chosen by", protocol.get("choose_c"), "first_test"),
    ("clips left out", _left_out(result), 0),
    *_view_pairs(protocol, row, name),
  ]
  if _protocol_of(result) is not papers:
    told = Difference("protocol", protocol["name"], papers.NAME)
    return [*_unequal(pairs), told]
  here = papers.chosen(result, row)
  for key, value in _paper_values(papers, settings, row, name).items():
    pairs.append((key.replace("_", " "), here.get(key), value))
  return _unequal(pairs)


def trained_otherwise(
  recipe: experiment.Experiment, run: experiment.Experiment
) -> list[str]:
  """Returns what a run was trained with that its recipe does not say."""
  return [
    line
    for line in tree.differences(recipe, run)
    if not line.startswith(_NOT_TRAINED)
  ]


def _protocol_of(result):
  """Returns the protocol of a result; None for one that is not known."""
  return known.named(result["protocol"]["name"])


def _settings_of(recipe, row, name):
  """Returns the settings with which the paper measured the benchmark."""
  by_sgd = row.paper.fine_tuned_by_sgd
  if name in by_sgd:
    return by_sgd[name]
  kind = known.with_settings(paper_rows.benchmark(name).settings)
  return kind.settings_of(recipe)


def _unequal(pairs):
  return [
    Difference(what, mine, papers)
    for what, mine, papers in pairs
    if mine is not None and mine != papers
  ]


def _of_view(protocol, name):
  """Returns a setting of the training view, None if it has no such one."""
  return protocol.get("train_view", {}).get(name)


def _view_pairs(protocol, row, name):
  """Returns what the paper says of a view, where it says it."""
  pairs = []
  if row.test_seconds is not None:
    seconds = _of_view(protocol, "seconds")
    pairs.append(("seconds of a view", seconds, row.test_seconds))
  if name in row.paper.image_sizes:
    size = row.paper.image_sizes[name]
    pairs.append(("pixels of a view", protocol.get("test_view_size"), size))
  return pairs


def _left_out(result):
  return sum(
    clips_left_out(split, side)
    for split in result["splits"]
    for side in ("train", "test")
  )


def clips_left_out(split: dict, side: str) -> int:
  """Returns how many of a split's `train` or `test` clips were left out.

  Labelled clips are counted by the modality they lack.
  """
  count = split.get(f"{side}_clips_left_out", 0)
  return sum(count.values()) if type(count) is dict else count


def _paper_values(protocol, settings, row, name):
  """Returns the paper's values by their names in a result's protocol."""
  values = protocol.paper_values(settings, row, name)
  if name in row.paper.temporal_clips:
    values["temporal_clips"] = row.paper.temporal_clips[name]
  if paper_rows.benchmark(name).modality == "audio":
    for key in ("spatial_crops", "test_short_side"):
      values.pop(key, None)
  return {
    key: list(value) if isinstance(value, tuple) else value
    for key, value in values.items()
  }
