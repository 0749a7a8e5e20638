"""What several MMV runs find across modalities, pooled, as a table.

  python -m benchmarks.cross_modal --workdir=RUN_0 --workdir=RUN_1 \\
      --test_records=RECORDS/test --output=TABLE.md

The runs are trainings of one config that differ in their seed; beside them
stand the same networks with initial weights. cross_modal_table says how
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
  folders = [pathlib.Path(folder) for folder in _WORKDIRS.value]
  check_same(folders)
  runs = []
  for folder in folders:
    runs.append(ranks(folder, _TEST_RECORDS.value))
    print(f"{folder}: {len(runs)} of {len(folders)} runs", flush=True)
  text = cross_modal_table.markdown(runs)
  part = pathlib.Path(_OUTPUT.value + ".part")
  part.write_text(text, encoding="utf-8")
  part.replace(_OUTPUT.value)
  print(text)
  return exit_codes.OK


def check_same(folders: Sequence[pathlib.Path]) -> None:
  """Raises ValueError unless the runs differ in their seed, and only in it."""
  experiments = [
    config.load(folder / run_folder.CONFIG_NAME) for folder in folders
  ]
  seeds = [experiment.seed for experiment in experiments]
  if len(set(seeds)) < len(seeds):
    raise ValueError(
      f"the seeds of --workdir ({seeds}) must differ; train each with another"
      " --config.seed."
    )
  first, *others = [
    config.to_tree(dataclasses.replace(experiment, seed=0))
    for experiment in experiments
  ]
  for folder, other in zip(folders[1:], others):
    different = [name for name in first if first[name] != other[name]]
    if different:
      raise ValueError(
        f"{folder} differs from {folders[0]} in `{different[0]}`; pool runs of"
        " one config."
      )


def ranks(folder: pathlib.Path, test_records: str) -> cross_modal_table.Run:
  """Returns where a run's queries find their clips, trained and initial.

  Raises:
    FileNotFoundError: no run, or no records.
    ValueError: another method than MMV, or records that cannot be used.
    exit_codes.UserError: a record is damaged; it is named.
  """
  experiment, method, step = checkpoints.load_method(folder)
  cross_modal.check_method(experiment.method)
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
  return cross_modal_table.Run(
    seed=experiment.seed,
    steps=step,
    directions={
      direction.name: cross_modal.describe(found, direction)
      for direction in known
    },
    trained=_by_direction(found, known),
    initial=_by_direction(
      cross_modal_embedding.embed(initial, clips, settings), known
    ),
  )


def _by_direction(found, known):
  queries = {}
  for direction in known:
    places, clips, _ = cross_modal.places_of(found, direction)
    queries[direction.name] = cross_modal_table.Queries(
      clips, zero_shot.mean_ranks(places)
    )
  return queries


if __name__ == "__main__":
  exit_codes.run(main)
