"""What a recipe is, before anything is read or trained.

Views with their shapes, networks with parameters and operations, schedule,
the paper's numbers, and every setting with its source. The method is built at
full size but never run.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import enum
import inspect
import logging
import re
import textwrap
import types

from absl import flags as absl_flags
from ml_collections import config_flags
import tensorflow as tf

from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.config import paper_rows
from tfvssl.config import recipes
from tfvssl.methods import base

_WIDTH = 88
_REMARK_WIDTH = 24  # at least
# They say where and how a run is computed, not what.
_NOT_THE_PAPERS = ("data", "runtime", "logging")
_SOURCE_WORDS = re.compile(r"paper|released|appendix|\bours\b")
# Against the first view of the method.
_STARTS = {
  views.Sync.INDEPENDENT: "starts anywhere",
  views.Sync.START: "starts with the {} view",
  views.Sync.CENTRE: "has the centre of the {} view",
}


@dataclasses.dataclass(frozen=True)
class NetworkCost:
  """One network of a method.

  Attributes:
    name: of the layer.
    kind: its class.
    parameters: trainable numbers; the moving averages of batch norm are none.
    operations: of a forward pass over all of its views of one clip.
  """

  name: str
  kind: str
  parameters: int
  operations: int


def text(
  experiment: config.Experiment,
  recipe: types.ModuleType,
  changes: list[str],
) -> str:
  """Returns the description of a validated experiment.

  Args:
    experiment: of the config file, with the changes of the command line.
    recipe: the config file.
    changes: the flags that changed it, for people.
  """
  rows = paper_rows.rows_of(recipe)
  method = experiment.method.build()
  costs = network_costs(method)
  # The network that papers print parameters of.
  measured = method.encoders()["video"]
  sections = [
    [(recipe.__doc__ or recipe.__name__).partition("\n")[0]],
    [f"changed by flags: {', '.join(changes)}"] if changes else [],
    _view_lines(method),
    _network_lines(costs, rows, measured),
    _count_lines(costs, rows, measured),
    _schedule_lines(experiment),
    _expected_lines(rows),
    _setting_lines(experiment, rows[0].paper.sources if rows else {}),
  ]
  return "\n\n".join("\n".join(lines) for lines in sections if lines)


def of_flags(experiment: config.Experiment) -> str:
  """Returns the description of --config, which `experiment` was read from."""
  given = absl_flags.FLAGS["config"]
  file = config_flags.get_config_filename(given)
  overrides = config_flags.get_override_values(given)
  changes = [f"{name}={value}" for name, value in overrides.items()]
  return text(experiment, recipes.load(file), changes)


def network_costs(method: base.Method) -> list[NetworkCost]:
  """Returns the cost of every network; makes the weights of `method`.

  Operations are those of the traced graph of the loss over one clip, as
  TensorFlow's profiler counts them: a multiplication and an addition are two.
  """
  function = tf.function(
    lambda batch: method.loss(batch, 0, training=False), autograph=False
  )
  graph = function.get_concrete_function(
    base.view_signature(method, batch_size=1)
  ).graph
  operations = _operations_by_layer(graph)
  return [
    NetworkCost(
      part.name,
      type(part).__name__,
      sum(v.shape.num_elements() for v in part.trainable_variables),
      operations.get(part.name, 0),
    )
    for layer in method.layers
    for part in _called(layer, operations)
  ]


def _called(layer, operations):
  """Returns the layer, or its parts where the method calls those instead."""
  parts = [
    part
    for part in layer.submodules
    if isinstance(part, tf.keras.layers.Layer) and part.name in operations
  ]
  return [layer] if layer.name in operations or not parts else parts


def _operations_by_layer(graph):
  """Returns float operations by the first part of the operations' names."""
  profiler = tf.compat.v1.profiler
  builder = profiler.ProfileOptionBuilder
  options = builder(builder.float_operation()).with_empty_output().build()
  with _quiet_profiler():
    profile = profiler.profile(graph, cmd="scope", options=options)
  totals = {}
  for node in profile.children:
    layer = node.name.partition("/")[0]
    totals[layer] = totals.get(layer, 0) + node.total_float_ops
  return totals


@contextlib.contextmanager
def _quiet_profiler() -> Iterator[None]:
  """Hides that the profiler calls deprecated parts of TensorFlow."""
  logger = tf.get_logger()
  level = logger.level
  logger.setLevel(logging.ERROR)
  try:
    yield
  finally:
    logger.setLevel(level)


def _view_lines(method):
  first = next(iter(method.view_specs))
  lines = ["views of one clip, as the networks get them"]
  for name, spec in method.view_specs.items():
    words = spec.words
    if name != first and spec.piece != "text":
      words += f"; {_STARTS[spec.sync].format(first)}"
    lines.append(_view_line(name, spec.shape, words))
    if spec.heard is not spec:
      heard = spec.heard
      lines.append(_view_line("", heard.shape, f"of it: {heard.words}"))
  return lines


def _view_line(name, shape, words):
  return f"  {name:16} {str(list(shape)):20} {words}"


def _network_lines(costs, rows, measured):
  printed = next((row.parameters for row in rows if row.parameters), "")
  lines = [
    "networks: trainable parameters, and 10^9 operations per clip: a forward"
    " pass over all",
    "views of the network; a multiplication and an addition are two operations",
    f"  {'':44} {'parameters':>12} {'paper':>7} {'GFLOP':>9}",
  ]
  for cost in costs:
    paper = printed if cost.name == measured.backbone.name else ""
    name = f"{cost.name} ({cost.kind})"
    lines.append(_cost_line(name, cost.parameters, paper, cost.operations))
  lines.append(
    _cost_line(
      "all",
      sum(cost.parameters for cost in costs),
      "",
      sum(cost.operations for cost in costs),
    )
  )
  return lines


def _count_lines(costs, rows, measured):
  """Returns why a network has another count than the paper prints.

  The docstring of its config says so.
  """
  printed = next((row.parameters for row in rows if row.parameters), "")
  for cost in costs:
    if cost.name == measured.backbone.name:
      if printed and f"{cost.parameters / 1e6:.1f}M" != printed:
        network = type(measured.backbone_config)
        docstring = inspect.cleandoc(network.__doc__ or "")
        return docstring.partition("\nAttributes:")[0].strip().splitlines()
  return []


def _cost_line(name, parameters, paper, operations):
  return f"  {name:44} {parameters:12,} {paper:>7} {operations / 1e9:9.3f}"


def _schedule_lines(experiment):
  schedule = experiment.schedule
  clips = experiment.steps * experiment.batch_size
  return [
    "schedule",
    f"  {experiment.steps:,} steps of {experiment.batch_size} clips"
    f" ({clips:,} in all), {type(experiment.optimizer).__name__}",
    f"  learning rate 0 to {schedule.peak:g} in {schedule.warmup_steps:,}"
    " steps, then half a cosine to 0",
  ]


def _expected_lines(rows):
  if not rows:
    return ["expected numbers: the paper has no such run"]
  lines = ["expected numbers, per cent; flags are those of tfvssl.evaluate"]
  for row in rows:
    values = ", ".join(
      paper_rows.benchmark(name).printed(value)
      for name, value in row.values.items()
    )
    lines += _wrapped(f'{row.table}, "{row.row}": {values}')
    for data_set, found in row.fine_tuned.items():
      lines += _wrapped(
        f"  fine-tuning on {data_set}, Table 7:"
        f" --set=finetune.dropouts={found.dropout:g}"
        f" --set=finetune.learning_rates={found.learning_rate:g}"
        f" --set=finetune.weight_decays={found.weight_decay:g}"
      )
  frames = rows[0].test_frames
  lines.append(
    f"  evaluated with views of {frames} frames: --num_frames={frames}"
  )
  if rows[0].first_split:
    lines.append("  on the first official split alone")
  return lines


def _wrapped(line):
  return textwrap.wrap(
    line,
    _WIDTH,
    initial_indent="  ",
    subsequent_indent="    ",
    break_on_hyphens=False,
  )


def _setting_lines(experiment, sources):
  lines = [
    "settings and their sources; * is not the default; without data, runtime"
    " and logging"
  ]
  for path, section in _sections("", experiment):
    lines += _section_lines(path, section, sources)
  return lines


def _sections(path, value) -> Iterator[tuple[str, object]]:
  """Yields path and value of every dataclass in `value`, itself first."""
  if dataclasses.is_dataclass(value):
    yield path, value
    children = {
      field.name: getattr(value, field.name)
      for field in dataclasses.fields(value)
      if path or field.name not in _NOT_THE_PAPERS
    }
  else:
    children = value if isinstance(value, dict) else {}
  for name, child in children.items():
    yield from _sections(f"{path}.{name}" if path else name, child)


def _section_lines(path, section, sources):
  """Returns the fields of a section; what its class says if not `sources`."""
  lines = []
  kind = type(section)
  documented = {} if path in sources else _attribute_docs(kind)
  for field in dataclasses.fields(section):
    value = getattr(section, field.name)
    if dataclasses.is_dataclass(value) or _holds_sections(value):
      continue
    default = _default(field)
    changed = default is not dataclasses.MISSING and value != default
    remarks = [f"default {_word(default)}"] if changed else []
    if _SOURCE_WORDS.search(documented.get(field.name, "")):
      remarks.append(documented[field.name])
    line = f"  {'*' if changed else ' '} {field.name:27} {_word(value):16}"
    lines += _remarked(line, "; ".join(remarks))
  source = sources.get(path, source_of(kind))
  head = f"{path or 'experiment'}: {kind.__name__}"
  if source:
    head += f"; source: {source}"
  return [*_wrapped(head), *lines] if lines else []


def _holds_sections(value):
  return isinstance(value, dict) and any(
    dataclasses.is_dataclass(child) for child in value.values()
  )


def _remarked(line, remark):
  """Returns `line` with `remark` beside it, on as many lines as it needs.

  Below it where a value, such as a path, leaves no room.
  """
  if not remark:
    return [line.rstrip()]
  if len(line) > _WIDTH - _REMARK_WIDTH:
    return [line.rstrip(), *_remarked(" " * (_WIDTH - _REMARK_WIDTH), remark)]
  wrapped = textwrap.wrap(remark, _WIDTH - len(line) - 1)
  indent = " " * len(line)
  starts = [line, *[indent] * (len(wrapped) - 1)]
  return [
    f"{start} {part}".rstrip()
    for start, part in zip(starts, wrapped, strict=True)
  ]


def _default(field):
  if field.default_factory is not dataclasses.MISSING:
    return field.default_factory()
  return field.default


def _word(value):
  if isinstance(value, enum.Enum):
    return str(value.value)
  if isinstance(value, float):
    return f"{value:.6g}"
  if isinstance(value, tuple):
    return ", ".join(map(_word, value))
  if isinstance(value, dict):
    return ", ".join(f"{name} {_word(one)}" for name, one in value.items())
  return str(value) if value != "" else '""'


def source_of(kind: type) -> str:
  """Returns what the docstring of `kind` has after "Source:", in one line."""
  docstring = inspect.cleandoc(kind.__doc__ or "")
  own, attributes, rest = docstring.partition("Attributes:\n")
  if (
    attributes
  ):  # those have sources of their own; what is not indented is left
    own += "\n".join(line for line in rest.splitlines() if line[:1] != " ")
  found = re.search(r"[Ss]ource: (.+?)(?:\n\n|\Z)", own, re.DOTALL)
  return " ".join(found[1].split()).rstrip(".") if found else ""


def _attribute_docs(kind):
  """Returns the "Attributes:" of `kind` and its bases, each in one line."""
  docs = {}
  for base_kind in reversed(kind.__mro__):
    docstring = inspect.cleandoc(base_kind.__doc__ or "")
    _, _, attributes = docstring.partition("Attributes:\n")
    for name, words in re.findall(
      r"^  (\w+): (.*(?:\n {4}.*)*)", attributes, re.M
    ):
      docs[name] = " ".join(words.split()).rstrip(".")
  return docs
