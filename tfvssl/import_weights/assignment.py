"""What imports of published weights have in common: fit, assign, write a run.

Nothing is assigned unless all can be, and the folder of the run appears by one
rename.
"""

from collections.abc import Callable
import dataclasses
import json

import numpy as np
import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.import_weights import pickle_stand_ins
from tfvssl.methods import base
from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder

IMPORT_NAME = "import.json"

# Part of a run, such as a backbone -> variable by the name of its tensor.
Parts = dict[str, dict[str, tf.Variable]]


@dataclasses.dataclass
class Report:
  """What an import did.

  Attributes:
    tensors: how many were read into variables.
    values: numbers in them.
    ignored: why -> names of tensors of the file that were left out.
    random: parts of the run that have their initial weights.
  """

  tensors: int
  values: int
  ignored: dict[str, list[str]]
  random: list[str]


def assign(
  parts: Parts,
  tensors: dict[str, np.ndarray],
  path: storage.PathLike,
  *,
  required: str,
  reason_of: Callable[[str, set[str]], str | None],
  allow_partial: bool,
) -> Report:
  """Gives all variables the values of the file.

  Args:
    parts: of the run.
    tensors: of the file, by name.
    path: of the file.
    required: the part without which there is nothing to import.
    reason_of: (name of a tensor without variable, names that have one) -> why
      it is left out, None for one that is unknown.
    allow_partial: leave parts random that the file lacks as a whole, and
      leave out tensors that are unknown.

  Raises:
    ValueError: a tensor is missing, unknown, not finite, or not of the shape
      of its variable.
  """
  variables: dict[str, tf.Variable] = {}
  random = []
  for part, named in parts.items():
    missing = [name for name in named if name not in tensors]
    if len(missing) < len(named):
      if missing:
        raise ValueError(
          f"{path} has no tensor '{missing[0]}' (of `{part}` it lacks"
          f" {len(missing)} of {len(named)}); download it again."
        )
      variables.update(named)
    elif part == required or not allow_partial:
      raise ValueError(
        f"{path} has no tensor '{missing[0]}' nor any other of `{part}`;"
        f" {_remedy(part, required)}"
      )
    else:
      random.append(part)
  ignored = _ignored(tensors, variables, path, reason_of, allow_partial)
  values = {
    name: _fitting(name, tensors[name], variable, path)
    for name, variable in variables.items()
  }
  for name, variable in variables.items():
    variable.assign(values[name])
  sizes = [value.size for value in values.values()]
  return Report(len(sizes), sum(sizes), ignored, random)


def _remedy(part, required):
  if part == required:
    words = required.replace("_backbone", "").replace("_", " ")
    return f"without the {words} network there is nothing to import."
  return f"--allow_partial imports the rest and leaves `{part}` random."


def _ignored(tensors, variables, path, reason_of, allow_partial):
  """Returns the names without a variable by the reason that they have none."""
  ignored: dict[str, list[str]] = {}
  taken, unknown = set(variables), []
  for name in sorted(set(tensors) - taken):
    reason = reason_of(name, taken)
    if reason is None:
      unknown.append(name)
    else:
      ignored.setdefault(reason, []).append(name)
  if unknown and not allow_partial:
    raise ValueError(
      f"{path} holds the tensor {pickle_stand_ins.quoted(unknown[0])} (and"
      f" {len(unknown) - 1} more), which no network here has; --allow_partial"
      " leaves them out."
    )
  return dict(sorted(ignored.items())) | (
    {"unknown": unknown} if unknown else {}
  )


def _fitting(name, array, variable, path):
  """Returns the tensor as float32 in the variable's shape, values unchanged."""
  shape = tuple(variable.shape)
  found = array.shape
  # Batch norm has 1s in front, and so has a linear layer that is published as
  # a convolution of width 1.
  while len(found) > len(shape) and found[0] == 1:
    found = found[1:]
  if found != shape or array.dtype.kind != "f":
    raise ValueError(
      f"tensor '{name}' of {path} is {array.dtype} of shape {array.shape} where"
      f" the config asks for floats of {shape}; file and config do not belong"
      " together, download it again."
    )
  if not np.isfinite(array).all():
    raise ValueError(
      f"tensor '{name}' of {path} is not finite; download it again."
    )
  return array.reshape(shape).astype(np.float32)


def write_run(
  output: storage.Path,
  experiment: config.Experiment,
  method: base.Method,
  description: dict,
) -> None:
  """Writes the folder of a run at step 0; it appears by one rename.

  Args:
    output: folder that does not exist or is empty.
    experiment: of the run; the content of files that it names is noted in it.
    method: with the imported weights.
    description: what import.json will hold.
  """
  experiment.method.identify_files()
  with storage.new_folder(output) as unfinished:
    checkpoint_store.CheckpointStore(
      unfinished, {"method": method}, kept=1
    ).save(0)
    run_folder.write_config(experiment, unfinished)
    (unfinished / IMPORT_NAME).write_text(
      json.dumps(description, indent=1) + "\n", encoding="utf-8"
    )
