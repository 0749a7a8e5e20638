"""What small BraVe variants learn, against random weights: one table.

  python -m benchmarks.learning --workdir=OUT \\
      --records=generated=RECORDS/train,RECORDS/test \\
      --records=real=OTHER/train,OTHER/test

Every set of clips is a pair of record folders with rgb and, as far as the
clips have them, audio and flow (data_prep.prepare_records
--modalities=rgb,audio,flow --short_side=64 --flow_short_side=32); a variant
uses the clips that hold what it needs. Each cell of the table (set, variant,
seed) is a process of its own and leaves OUT/cells/NAME.json; started again,
the benchmark does what is missing, the most important first. The table is
OUT/table.md, rewritten after every cell. The first set is held to the gain
over random weights: give the generated clips first.
"""

from collections.abc import Sequence

from absl import flags

from benchmarks.learning import plan
from benchmarks.learning import run
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_RECORDS = flags.DEFINE_multi_string(
  "records", [], "NAME=TRAIN,TEST: a set of clips, two record folders."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of all results.")
_ONLY = flags.DEFINE_string(
  "only", "", "Regular expression: only cells with it in their name."
)
_STEPS = flags.DEFINE_multi_integer(
  "steps",
  [250],
  "Steps of each training: one number, or one for each --records in their"
  " order.",
  lower_bound=10,
)
_SEEDS = flags.DEFINE_integer(
  "seeds", 5, "Trainings of what is compared with random weights.", 1, 11
)
_COMPARISON_SEEDS = flags.DEFINE_integer(
  "comparison_seeds", 3, "Trainings of all other variants.", 1, 11
)
_WORKERS = flags.DEFINE_integer(
  "workers", 2, "Processes at a time; they share the cores.", 1
)
_TABLE_ONLY = flags.DEFINE_bool(
  "table_only",
  False,
  "Write the table of the cells that are there; what it says about steps and"
  " seeds comes from them.",
)
_CELL = flags.DEFINE_string("cell", None, "Do only this cell, in this process.")


def main(argv: Sequence[str]) -> int:
  """Runs what is missing and writes the table; returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _WORKDIR.value:
    raise ValueError("--workdir is missing; for example --workdir=OUT")
  request = _request()
  if _CELL.value:
    run.measure(request, _CELL.value)
    return exit_codes.OK
  failed = []
  if _TABLE_ONLY.value:
    run.write_table(request)
  else:
    failed = run.measure_missing(request, _ONLY.value)
  workdir = request.workdir
  print(f"table: {workdir / 'table.md'}")
  for name in failed:
    print(f"error: {name} failed, see {workdir / 'logs' / name}.log")
  return exit_codes.DATA if failed else exit_codes.OK


def _request():
  sets = plan.parse_records(_RECORDS.value)
  return run.Request(
    workdir=storage.Path(_WORKDIR.value),
    sets=sets,
    steps=plan.steps_of(sets, _STEPS.value),
    cells=plan.plan(sets, _SEEDS.value, _COMPARISON_SEEDS.value),
    workers=_WORKERS.value,
    flags=[
      *[f"--records={word}" for word in _RECORDS.value],
      f"--workdir={_WORKDIR.value}",
      *[f"--steps={steps}" for steps in _STEPS.value],
      f"--seeds={_SEEDS.value}",
      f"--comparison_seeds={_COMPARISON_SEEDS.value}",
      f"--workers={_WORKERS.value}",
    ],
  )


if __name__ == "__main__":
  binary.run(main)
