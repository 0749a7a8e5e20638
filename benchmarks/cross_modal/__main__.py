"""What several MMV runs find across modalities, pooled, as a table.

  python -m benchmarks.cross_modal --workdir=RUN_0 --workdir=RUN_1 \\
      --test_records=RECORDS/test --output=TABLE.md

The runs are finished trainings of one config that differ in their seed; beside
them stand the same networks with initial weights. cross_modal_table says how
queries are pooled and what the intervals are.
"""

from collections.abc import Sequence

from absl import flags

from benchmarks.cross_modal import runs as cross_modal_runs
from benchmarks.cross_modal import table
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

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
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  for flag in (_WORKDIRS, _TEST_RECORDS, _OUTPUT):
    if not flag.value:
      raise ValueError(f"--{flag.name} is missing; see --help.")
  output = storage.Path(_OUTPUT.value)
  if not output.parent.is_dir():
    raise FileNotFoundError(
      f"the folder of --output ({output}) does not exist; create it."
    )
  folders = [storage.Path(folder) for folder in _WORKDIRS.value]
  cross_modal_runs.check_same(folders)
  runs = []
  for folder in folders:
    runs.append(cross_modal_runs.ranks(folder, _TEST_RECORDS.value))
    print(f"{folder}: {len(runs)} of {len(folders)} runs", flush=True)
  text = table.markdown(runs)
  storage.write_text(output, text)
  print(text)
  return exit_codes.OK


if __name__ == "__main__":
  binary.run(main)
