"""One preparation as it is asked for: its inputs are read, then prepared."""

import dataclasses
import os
import pathlib

from tfvssl.runtime import exit_codes

from ..datasets import official
from . import inputs
from . import preparation
from . import settings as settings_lib
from . import worker_pool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
  """What a preparation is asked for.

  Attributes:
    input: folder or csv.
    output: folder of the records.
    settings: how inputs become records; validated.
    definition: of the dataset whose lists name the inputs; None without.
    annotations: folder of its lists; None without a dataset.
    dataset_split: which official split of it, from 1; 0 where there is one.
    captions: csv of captions with times; None for none.
    has_labels: whether the first-level sub-folder of a folder is the label.
    test_share: of the files of each label; 0 for no split.
    num_workers: processes at a time.
    num_shards: of each split; 0 chooses by the size of the inputs.
    worker_silence_s: see worker_pool.WorkerPool.
  """

  input: str
  output: str
  settings: settings_lib.Settings
  definition: official.Definition | None
  annotations: str | None
  dataset_split: int
  captions: str | None
  has_labels: bool
  test_share: float
  num_workers: int
  num_shards: int
  worker_silence_s: float

  @property
  def folder(self) -> pathlib.Path:
    """Where this run writes: the output, or its folder of the split."""
    folder, number = pathlib.Path(self.output), self.dataset_split
    return folder / f"split_{number}" if number else folder


def prepare(request: Request) -> dict:
  """Prepares the records; returns what report.json holds.

  Raises:
    ValueError: the output lies in the input, `test_share` does not go with the
      csv, or another run writes there or was begun with other settings.
    exit_codes.UserError: the inputs cannot be used (3), or the disk is full.
  """
  run = preparation.Preparation(
    request.folder,
    _read_inputs(request),
    request.settings,
    num_workers=request.num_workers,
    num_shards=request.num_shards,
    worker_silence_s=request.worker_silence_s,
    siblings=_sibling_folders(request),
  )
  try:
    return run.run()
  except OSError as error:
    if error.errno not in worker_pool.FULL_DISK:
      raise
    raise exit_codes.UserError(
      exit_codes.RESOURCE,
      f"no space to write {request.output} ({error.strerror}); make room and"
      " start again with the same flags, the run continues.",
    ) from error


def _read_inputs(request):
  """Returns what `input` and `captions` name."""
  path = pathlib.Path(request.input)
  _check_output(path, request.output)
  if request.definition:
    annotations = pathlib.Path(request.annotations)
    found = inputs.of_dataset(
      request.definition, request.dataset_split, annotations, path
    )
  else:
    found = inputs.of_files(
      path,
      request.settings.suffixes,
      has_labels=request.has_labels,
      test_share=request.test_share,
    )
  if request.captions is not None:
    inputs.add_captions(found.sources, pathlib.Path(request.captions))
  return found


def _check_output(path, output):
  output = pathlib.Path(os.path.realpath(output))
  if path.is_dir() and output.is_relative_to(os.path.realpath(path)):
    raise ValueError(
      f"`--output` ({output}) must not lie in `--input` ({path})."
    )


def _sibling_folders(request):
  """Returns outputs of other splits of the dataset, whose clips are reused."""
  own = request.folder
  if not request.dataset_split:
    return []
  return sorted(p for p in own.parent.glob("split_*") if p != own)
