"""The runs that benchmarks/cross_modal.py pools, and what they find."""

from collections.abc import Sequence
import dataclasses
import pathlib

from benchmarks import cross_modal_table
from tfvssl import checkpoints
from tfvssl import config
from tfvssl import workdir as run_folder
from tfvssl.evaluation import cross_modal
from tfvssl.evaluation import cross_modal_embedding
from tfvssl.evaluation import zero_shot
from tfvssl.methods import mmv


def check_same(folders: Sequence[pathlib.Path]) -> None:
  """Checks that the runs are MMV's and differ in their seed, and only in it.

  Raises:
    FileNotFoundError: a folder holds no run.
    ValueError: they do not.
  """
  experiments = [
    config.load(folder / run_folder.CONFIG_NAME) for folder in folders
  ]
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
    different = config.differences(experiments[0], alike)
    if different:
      raise ValueError(
        f"{folder} differs from {folders[0]} in {different[0]}; pool runs of"
        " one config."
      )


def ranks(folder: pathlib.Path, test_records: str) -> cross_modal_table.Run:
  """Returns where a run's queries find their clips.

  Args:
    folder: of the run.
    test_records: folder.

  Raises:
    FileNotFoundError: no run, or no records.
    ValueError: an unfinished training, or records that cannot be used.
    exit_codes.UserError: a record is damaged; it is named.
  """
  experiment, method, step = checkpoints.load_method(folder)
  if step != experiment.steps:
    raise ValueError(
      f"{folder} is at step {step} of {experiment.steps}; finish its training"
      " first."
    )
  known = cross_modal.directions(method.graph)
  clips = cross_modal_embedding.open_clips(test_records, method, known)
  settings = experiment.retrieval
  found = cross_modal_embedding.embed(method, clips, settings)
  known = cross_modal.with_clips(known, found, test_records)
  initial = checkpoints.fresh_method(experiment, experiment.seed)
  words = found["text"].word_ids if "text" in found else None
  cross_modal_embedding.calibrate(
    initial, clips, words, settings, experiment.seed
  )
  trained = _by_direction(found, known)
  return cross_modal_table.Run(
    seed=experiment.seed,
    steps=step,
    about={
      direction.name: cross_modal.describe(found, direction)
      for direction in known
    },
    trained=trained,
    initial=_by_direction(
      cross_modal_embedding.embed(initial, clips, settings), known
    ),
    chance={
      direction.name: _by_chance(found, direction) for direction in known
    },
  )


def _by_direction(found, known):
  return {
    direction.name: cross_modal_table.queries_of(
      *cross_modal.places_of(found, direction)
    )
    for direction in known
  }


def _by_chance(found, direction):
  query_clips, gallery_clips = cross_modal.clips_of(found, direction)
  return cross_modal_table.queries_of(
    zero_shot.all_alike(query_clips, gallery_clips),
    query_clips,
    len(gallery_clips),
  )
