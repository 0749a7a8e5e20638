"""A result of the evaluation beside the paper's number.

A number is only as good as what it was measured on: everything that the result
and its run did otherwise than the recipe is told with it.
"""

import json

from tfvssl.config import experiment
from tfvssl.config import paper_rows
from tfvssl.evaluate import paper_figure
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import run_folder

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
      if type(paper_figure.clips_left_out(split, side)) is not int:
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
  value = paper_figure.measured(result, name)
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
    untrained = paper_figure.as_printed(random[benchmark.metric], benchmark)
    lines.append(f"  random   {untrained:6.1f}   the same network, untrained")
  found = paper_figure.differences(result, recipe, rows[0], name)
  lines += ["", "evaluated otherwise than in the paper"]
  if not found:
    return "\n".join([*lines, "  in nothing that the result tells"])
  lines.append(f"  {'':24} {'here':>24} {'paper':>24}")
  for item in found:
    here, there = _word(item.here), _word(item.paper)
    lines.append(f"  {item.name:24} {here:>24} {there:>24}")
  return "\n".join(lines)


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
  found = paper_figure.trained_otherwise(recipe, run_folder.read_config(run))
  lines += [f"  {line}" for line in found[:_LINES]]
  if len(found) > _LINES:
    lines.append(f"  and {len(found) - _LINES} more")
  return "\n".join(lines if found else [*lines, "  in no setting"])
