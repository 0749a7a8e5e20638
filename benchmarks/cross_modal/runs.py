"""The runs that benchmarks.cross_modal pools, and what they find."""

from collections.abc import Sequence
import dataclasses

from benchmarks.cross_modal import table
from tfvssl.config import tree
from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import figures
from tfvssl.evaluate.retrieval import measuring
from tfvssl.evaluate.retrieval import ranks as zero_shot
from tfvssl.methods import mmv
from tfvssl.runtime import storage
from tfvssl.train import run_folder
from tfvssl.train import weights


def check_same(folders: Sequence[storage.Path]) -> None:
  """Checks that the runs are MMV's and differ in their seed, and only in it.

  Raises:
    FileNotFoundError: a folder holds no run.
    ValueError: they do not.
  """
  experiments = [run_folder.read_config(folder) for folder in folders]
  for folder, experiment in zip(folders, experiments):
    if not isinstance(experiment.method, mmv.MmvConfig):
      name = type(experiment.method).__module__.rpartition(".")[2]
      raise ValueError(
        f"{folder} is a run of {name}; only those of mmv compare modalities."
      )
  seeds = [experiment.seed for experiment in experiments]
  if len(set(seeds)) < len(seeds):
    raise ValueError(
      f"the seeds of --workdir ({seeds}) must differ; train each with another"
      " --config.seed."
    )
  for folder, experiment in zip(folders[1:], experiments[1:]):
    alike = dataclasses.replace(experiment, seed=seeds[0])
    different = tree.differences(experiments[0], alike)
    if different:
      raise ValueError(
        f"{folder} differs from {folders[0]} in {different[0]}; pool runs of"
        " one config."
      )


def ranks(folder: storage.Path, test_records: str) -> table.Run:
  """Returns where a run's queries find their clips.

  Args:
    folder: of the run.
    test_records: folder.

  Raises:
    FileNotFoundError: no run, or no records.
    ValueError: an unfinished training, or records that cannot be used.
    exit_codes.UserError: a record is damaged; it is named.
  """
  experiment, method, step = weights.load_method(folder)
  if step != experiment.steps:
    raise ValueError(
      f"{folder} is at step {step} of {experiment.steps}; finish its training"
      " first."
    )
  known = measuring.directions(method.encoders())
  clips = embeddings.open_clips(test_records, method, known)
  settings = experiment.retrieval
  found = embeddings.embed(method, clips, settings)
  known = figures.with_clips(known, found, test_records)
  initial = weights.fresh_method(experiment, experiment.seed)
  words = found["text"].word_ids if "text" in found else None
  embeddings.calibrate(initial, clips, words, settings, experiment.seed)
  trained = _by_direction(found, known)
  return table.Run(
    seed=experiment.seed,
    steps=step,
    about={
      direction.name: figures.describe(found, direction) for direction in known
    },
    trained=trained,
    initial=_by_direction(embeddings.embed(initial, clips, settings), known),
    chance={
      direction.name: _by_chance(found, direction) for direction in known
    },
  )


def _by_direction(found, known):
  return {
    direction.name: table.queries_of(*figures.places_of(found, direction))
    for direction in known
  }


def _by_chance(found, direction):
  query_clips, gallery_clips = figures.clips_of(found, direction)
  return table.queries_of(
    zero_shot.all_alike(query_clips, gallery_clips),
    query_clips,
    len(gallery_clips),
  )
