"""The weights of an earlier run, which a new run begins with where they fit.

A part is what a method calls: a backbone, a head. It is taken whole or not at
all: all of its variables must have the names and shapes of the earlier run's.
Between two methods only backbones are taken, by the modality of their encoder,
as what stands on them means something else. The optimiser begins afresh.
"""

import json
import os
from typing import NamedTuple

from absl import logging
import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.methods import base
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import checkpoints
from tfvssl.train import restoring
from tfvssl.train import run_folder
from tfvssl.train import weights

# Name of a part -> its variables by name.
Parts = dict[str, dict[str, tf.Variable]]


class Earlier(NamedTuple):
  """An earlier run.

  Attributes:
    method: with the weights of its newest checkpoint.
    identity: of that checkpoint, the digest that restoring.identity gives.
    step: of that checkpoint.
  """

  method: base.Method
  identity: str
  step: int


def begin(
  method: base.Method,
  experiment: config.Experiment,
  workdir: storage.PathLike,
  strategy: tf.distribute.Strategy,
  initial_run: storage.PathLike | None,
) -> None:
  """Gives a new run the weights of an earlier one; a note says which.

  A run that has a checkpoint goes on from that.

  Args:
    method: of the run, with weights.
    experiment: of the run.
    workdir: the run's folder.
    strategy: placement of the replicas.
    initial_run: folder of the earlier run; None for none.

  Raises:
    FileNotFoundError: the earlier run is not there, or has no checkpoint.
    ValueError: it is damaged, or none of its networks fits.
    exit_codes.UserError: the run began with other weights (2).
  """
  folder = storage.Path(workdir)
  note = folder / run_folder.INITIAL_NAME
  chief = replicas.is_chief(strategy)
  if checkpoints.complete(folder / checkpoints.FOLDER):
    if initial_run:
      _check_same(note, initial_run)
  elif initial_run:
    about = _take(method, experiment, strategy, storage.Path(initial_run))
    if chief:
      storage.write_text(note, json.dumps(about, indent=1) + "\n")
  elif chief and note.exists():
    logging.warning(
      "the run that began with the weights of %s never came to a checkpoint;"
      " this one begins at random",
      note,
    )
    note.unlink()


def _take(method, experiment, strategy, folder):
  """Assigns what fits; returns what the run notes of it."""
  earlier = _load(folder, experiment)
  if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
    from tfvssl.runtime import workers

    workers.check_same_step(strategy, earlier.step, f"--initial_run={folder}")
  taken, left = fitting(earlier.method, method)
  if not taken:
    raise ValueError(
      f"--initial_run={folder}: none of its networks fits this config"
      f" ({_in_words(left)}); give --config the networks of"
      f" {folder / run_folder.CONFIG_NAME}, or leave --initial_run out."
    )
  with strategy.scope():
    for pairs in taken.values():
      for ours, theirs in pairs:
        ours.assign(theirs.numpy())
  names = ", ".join(taken)
  logging.info("begins with %s of %s, step %d", names, folder, earlier.step)
  for part, why in left.items():
    logging.warning("begins at random: %s: %s", part, why)
  return {
    "run": os.path.realpath(folder),
    "checkpoint_sha256": earlier.identity,
    "step": earlier.step,
    "taken": list(taken),
    "random": left,
  }


def _in_words(left):
  return "; ".join(f"{part}: {why}" for part, why in left.items())


def _load(folder, experiment):
  """Returns the earlier run, on the host; the seed is that of the run again."""
  with tf.device("/cpu:0"):
    earlier, method, step = weights.load_method(
      folder, experiment.runtime.precision
    )
  tf.keras.utils.set_random_seed(experiment.seed)
  for one in (earlier, experiment):
    one.method.identify_files()
  return Earlier(method, restoring.identity(folder, step), step)


def fitting(
  earlier: base.Method, method: base.Method
) -> tuple[dict[str, list[tuple[tf.Variable, tf.Variable]]], dict[str, str]]:
  """Returns what of an earlier run's method fits into another.

  Returns:
    part of `method` -> pairs of its variable and the earlier one; and the
    parts that nothing fits into, with the reason.
  """
  ours, theirs = parts_of(method), parts_of(earlier)
  places, other_words = _places(earlier, method, ours)
  taken, left = {}, {}
  for part, variables in ours.items():
    found = theirs.get(places.get(part, ""))
    why = _difference(variables, found)
    if why is None and part in other_words:
      why = "its words have other ids there"
    if why is None:
      taken[part] = [(v, found[name]) for name, v in variables.items()]
    else:
      left[part] = why
  return taken, left


def parts_of(method: base.Method) -> Parts:
  """Returns the variables of every part by name, without that of the part."""
  parts: Parts = {}
  for variable in method.weights:
    part, name = _split(variable)
    named = parts.setdefault(part, {})
    while name in named:  # two layers of one name
      name += "'"
    named[name] = variable
  return parts


def _split(variable):
  part, _, name = variable.name.partition(":")[0].partition("/")
  return part, name


def _places(earlier, method, parts):
  """Returns which part of the earlier method may be that of `method`.

  And the parts that hold a table of other words.
  """
  ours, theirs = _backbones(method), _backbones(earlier)
  both = [modality for modality in ours if modality in theirs]
  other_words = {
    ours[modality][0]
    for modality in both
    if _words(ours[modality][1]) != _words(theirs[modality][1])
  }
  if type(earlier) is type(method):
    return {part: part for part in parts}, other_words
  # A shared backbone is that of the first modality.
  pairs = {ours[m][0]: theirs[m][0] for m in reversed(both)}
  return pairs, other_words


def _backbones(method):
  """Returns the part and the view of every modality's backbone."""
  return {
    modality: (_split(encoder.backbone.weights[0])[0], encoder.spec)
    for modality, encoder in method.encoders().items()
    if encoder.backbone.weights
  }


def _words(spec):
  return getattr(spec, "words_sha256", "")


def _difference(ours, theirs):
  """Returns why a part cannot be taken, None where all of it fits."""
  if theirs is None:
    return "the earlier run has no such part"
  shapes, others = (
    {name: v.shape.as_list() for name, v in variables.items()}
    for variables in (ours, theirs)
  )
  unlike = [n for n in shapes if n in others and shapes[n] != others[n]]
  alone = [*(shapes.keys() - others.keys()), *(others.keys() - shapes.keys())]
  if unlike:
    name = unlike[0]
    count = len(unlike) + len(alone)
    return (
      f"{name} is {others[name]} there and {shapes[name]} here"
      f" ({count} of {len(shapes)} variables do not fit)"
    )
  if alone:
    where = "here" if min(alone) in shapes else "there"
    return f"{min(alone)} is only {where} ({len(alone)} have no counterpart)"
  return None


def _check_same(path, initial_run):
  """Raises unless the run began with the weights that are named again."""
  began = "random weights"
  if path.is_file():
    try:
      note = json.loads(path.read_text(encoding="utf-8"))
      began = f"those of {note['run']}, {note['checkpoint_sha256']:.12}"
    except (ValueError, TypeError, LookupError, RecursionError) as error:
      raise ValueError(
        f"{path} cannot be read ({error}); leave --initial_run out: the run"
        " goes on from its own checkpoint."
      ) from error
    if _is_noted(note, initial_run):
      return
  raise exit_codes.UserError(
    exit_codes.USAGE,
    f"--initial_run={initial_run} is not what {path.parent} began with"
    f" ({began}), and it goes on from its own checkpoint; leave the flag out,"
    " or take another --workdir.",
  )


def _is_noted(note, initial_run):
  if os.path.realpath(initial_run) == note["run"]:
    return True  # it may have been trained further
  try:
    return restoring.identity(initial_run) == note["checkpoint_sha256"]
  except (FileNotFoundError, ValueError):
    return False
