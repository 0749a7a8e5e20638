"""A result of the evaluation beside the paper's number.

A number is only as good as what it was measured on: everything that the result
and its run did otherwise than the recipe is told with it.
"""

import json
from typing import NamedTuple

from tfvssl.config import experiment
from tfvssl.config import paper_rows
from tfvssl.config import tree
from tfvssl.evaluate.protocols import known
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import run_folder

# They are not part of what is trained.
_NOT_TRAINED = (
  "data.",
  "runtime.",
  "logging.",
  *(f"{name}." for name in experiment.protocol_sections()),
  # Of files on the disk, of which a recipe knows nothing.
  "method.partners.text.view.words_sha256",
)
_LINES = 12  # of the training's differences
# Of a result that can be compared: where it must hold what, and where it may.
_NEEDED = {
  ("protocol",): dict,
  ("protocol", "name"): str,
  ("protocol", "modality"): str,
  ("checkpoint_step",): int,
  ("classes",): list,
  ("splits",): list,
  ("pretrained",): dict,
  ("pretrained", "mean"): dict,
}
_OPTIONAL = {
  ("protocol", "train_view"): dict,
  ("protocol", "recipe"): dict,
  ("pretrained", "choice"): dict,
  ("random_initialisation",): dict,
  ("random_initialisation", "mean"): dict,
}


class Difference(NamedTuple):
  """What the result has otherwise than the paper, in words."""

  name: str
  here: object
  paper: object


def read_result(path: storage.Path) -> dict:
  """Returns the result file as a tree.

  Raises:
    FileNotFoundError: there is none.
    exit_codes.UserError: it is not a result of tfvssl.evaluate.
  """
  if not path.is_file():
    raise FileNotFoundError(
      f"--result={path} does not exist; tfvssl.evaluate prints where it wrote"
      " one."
    )
  try:
    result = json.loads(
      path.read_text(encoding="utf-8"),
      parse_int=_whole_number,
      parse_constant=_no_number,
    )
    _check_kinds(result)
  except (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RecursionError,
  ) as error:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"--result={path} is not a result of this version's tfvssl.evaluate"
      f" ({error!s:.80}); evaluate again.",
    ) from error
  return result


def _whole_number(text):
  if len(text) > 18:
    raise ValueError(f"number of {len(text)} digits")
  return int(text)


def _no_number(text):
  raise ValueError(f"{text} is not a number")


def _check_kinds(result):
  """Raises for the first part of a result that is not what is read later."""
  for place, kind in (_NEEDED | _OPTIONAL).items():
    value = result
    for name in place:
      value = value.get(name, {}) if place in _OPTIONAL else value[name]
    if type(value) is not kind:
      article = "an" if kind is int else "a"
      raise TypeError(f"`{'.'.join(place)}` is not {article} {kind.__name__}")
  for split in result["splits"]:
    for side in ("train", "test"):
      if type(_clips_left_out(split, side)) is not int:
        raise TypeError(f"`splits.{side}_clips_left_out` is not an int")
    for name, about in split.get("directions", {}).items():
      if type(about.get("gallery")) is not int:
        raise TypeError(f"`splits.directions.{name!r:.40}` has no `gallery`")
  random = result.get("random_initialisation", {}).get("mean", {})
  for mean in (result["pretrained"]["mean"], random):
    for name, value in mean.items():
      if value is not None and type(value) not in (int, float):
        raise TypeError(f"{name!r:.40} of a `mean` is not a number")


def evaluation_text(
  result: dict,
  recipe: experiment.Experiment,
  rows: list[paper_rows.Row],
  name: str,
) -> str:
  """Returns figures and differences of the evaluation, for a person.

  Args:
    result: of tfvssl.evaluate.
    recipe: what the paper's number was trained and evaluated with.
    rows: of the paper, which have a value for `name`.
    name: of the benchmark.

  Raises:
    ValueError: the result does not measure the benchmark.
  """
  benchmark = paper_rows.benchmark(name)
  value = measured(result, name)
  unit = "rank" if benchmark.is_rank else "per cent"
  lines = [f"{benchmark.title}, {unit}", f"  measured {value:6.1f}"]
  for row in rows:
    paper = row.values[name]
    lines.append(
      f"  paper    {paper:6.1f}   difference {value - paper:+.1f}"
      f'   {row.table}, "{row.row}"'
    )
  random = result.get("random_initialisation", {}).get("mean", {})
  if random.get(benchmark.metric) is not None:
    untrained = _as_printed(random[benchmark.metric], benchmark)
    lines.append(f"  random   {untrained:6.1f}   the same network, untrained")
  found = differences(result, recipe, rows[0], name)
  lines += ["", "evaluated otherwise than in the paper"]
  if not found:
    return "\n".join([*lines, "  in nothing that the result tells"])
  lines.append(f"  {'':24} {'here':>24} {'paper':>24}")
  for item in found:
    here, there = _word(item.here), _word(item.paper)
    lines.append(f"  {item.name:24} {here:>24} {there:>24}")
  return "\n".join(lines)


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
  return _as_printed(mean[benchmark.metric], benchmark)


def _as_printed(value, benchmark):
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
    _clips_left_out(split, side)
    for split in result["splits"]
    for side in ("train", "test")
  )


def _clips_left_out(split, side):
  """Returns how many; labelled clips are counted by the modality they lack."""
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


def _word(value):
  if isinstance(value, (list, tuple)):
    if not all(type(number) in (int, float) for number in value):
      return f"{value!r:.40}"
    numbers = sorted(value)
    if len(numbers) > 3:
      return f"{len(numbers)} of {numbers[0]:g} to {numbers[-1]:g}"
    return ", ".join(f"{number:g}" for number in numbers)
  if isinstance(value, float):
    return f"{value:g}"
  return f"{value:,}" if type(value) is int else str(value)


def training_text(path: storage.Path, recipe: experiment.Experiment) -> str:
  """Returns how the run beside the result file differs from the recipe."""
  lines = ["trained otherwise than the recipe"]
  run = path.parent.parent
  file = run / run_folder.CONFIG_NAME
  if not file.is_file():
    return "\n".join([*lines, f"  not known: {file} does not exist"])
  found = [
    line
    for line in tree.differences(recipe, run_folder.read_config(run))
    if not line.startswith(_NOT_TRAINED)
  ]
  lines += [f"  {line}" for line in found[:_LINES]]
  if len(found) > _LINES:
    lines.append(f"  and {len(found) - _LINES} more")
  return "\n".join(lines if found else [*lines, "  in no setting"])
