"""What several MMV runs find across modalities, pooled, as a table.

  python -m benchmarks.cross_modal --workdir=RUN_0 --workdir=RUN_1 \\
      --test_records=RECORDS/test --output=TABLE.md

The runs are finished trainings of one config that differ in their seed; beside
them stand the same networks with initial weights. cross_modal_table says how
queries are pooled and what the intervals are.
"""

from collections.abc import Sequence
import dataclasses
import pathlib

from absl import flags

from benchmarks import cross_modal_table
from tfvssl import checkpoints
from tfvssl import config
from tfvssl import exit_codes
from tfvssl import workdir as run_folder
from tfvssl.evaluation import cross_modal
from tfvssl.evaluation import cross_modal_embedding
from tfvssl.evaluation import zero_shot
from tfvssl.methods import mmv

_WORKDIRS = flags.DEFINE_multi_string(
  "workdir", [], "Folder of a run; once for each seed."
)
_TEST_RECORDS = flags.DEFINE_string(
  "test_records", None, "Record folder with unseen clips."
)
_OUTPUT = flags.DEFINE_string("output", None, "Markdown file to write.")


def main(argv: Sequence[str]) -> int:
  """Writes the table and prints it; returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is no flag; see --helpfull.")
  for flag in (_WORKDIRS, _TEST_RECORDS, _OUTPUT):
    if not flag.value:
      raise ValueError(f"--{flag.name} is missing; see --help.")
  output = pathlib.Path(_OUTPUT.value)
  if not output.parent.is_dir():
    raise FileNotFoundError(
      f"the folder of --output ({output}) does not exist; create it."
    )
  folders = [pathlib.Path(folder) for folder in _WORKDIRS.value]
  check_same(folders)
  runs = []
  for folder in folders:
    runs.append(ranks(folder, _TEST_RECORDS.value))
    print(f"{folder}: {len(runs)} of {len(folders)} runs", flush=True)
  text = cross_modal_table.markdown(runs)
  part = output.with_name(output.name + ".part")
  part.write_text(text, encoding="utf-8")
  part.replace(output)
  print(text)
  return exit_codes.OK


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


if __name__ == "__main__":
  exit_codes.run(main)
