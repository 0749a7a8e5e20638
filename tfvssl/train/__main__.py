"""Pretrains a method on records; starting it again continues the run.

  python -m tfvssl.train --config=tiny_brave --workdir=RUN \\
      --config.data.train_records=RECORDS

Any value of the config can be changed by a flag, for example
--config.method.narrow.num_frames=8.

  python -m tfvssl.train --config=brave/va_audioset --describe

prints what a run is, beside the paper's numbers, and trains nothing; it needs
neither records nor a folder.
"""

from collections.abc import Sequence

from absl import flags as absl_flags
from absl import logging

from tfvssl.config import flag
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_CONFIG = flag.define_config()
_WORKDIR = absl_flags.DEFINE_string(
  "workdir", None, "Folder of the run: config, checkpoints, logs."
)
_ALLOW_CHANGE = absl_flags.DEFINE_multi_string(
  "allow_change",
  [],
  "Name of a config value that may differ when a run is continued.",
)
_INITIAL_RUN = absl_flags.DEFINE_string(
  "initial_run", None, "Run whose weights a new run begins with, if they fit."
)
_DESCRIBE = absl_flags.DEFINE_bool(
  "describe",
  False,
  "Print views, networks, schedule, expected numbers and every setting with"
  " its source, instead of training.",
)


def main(argv: Sequence[str]) -> int:
  """Trains and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if _DESCRIBE.value:
    experiment = flag.read_config()
    from tfvssl.train import describe  # loads TensorFlow

    print(describe.of_flags(experiment))
    return exit_codes.OK
  if not _WORKDIR.value:
    raise ValueError("--workdir is missing; for example --workdir=RUN")
  experiment = flag.read_config()
  # Loads TensorFlow: after every check that needs none.
  from tfvssl.runtime import replicas
  from tfvssl.train import run as training
  from tfvssl.train import run_folder

  logging.set_verbosity(logging.INFO)
  workdir = storage.Path(_WORKDIR.value)
  workdir.mkdir(parents=True, exist_ok=True)
  replicas.prepare_process(experiment)
  strategy = replicas.build_strategy(experiment.runtime)
  parts = (experiment, workdir, strategy, _INITIAL_RUN.value)
  if not replicas.is_chief(strategy):
    run_folder.keep_silent_sound(experiment, workdir, _ALLOW_CHANGE.value)
    return training.TrainingRun(*parts).run()
  with run_folder.locked(workdir):
    run_folder.agree_on_config(experiment, workdir, _ALLOW_CHANGE.value)
    run = training.TrainingRun(*parts)
    logging.info("%s", training.describe(run))
    code = run.run()
  if code == exit_codes.OK:
    if words := run.health.last_words():
      print(words)
    _print_next(experiment.data, run, workdir)
  return code


def _print_next(data, run, workdir):
  """Prints how what was just trained is measured."""
  beside = storage.Path(data.train_records).with_name("test")
  is_there = (beside / "manifest.json").exists()
  test = data.heldout_records or (beside if is_there else "TEST")
  flags = [f"--workdir={workdir}", f"--test_records={test}"]
  if any(spec.piece == "text" for spec in run.method.view_specs.values()):
    binary.print_next("tfvssl.evaluate", *flags, "--protocol=retrieval")
  elif len(run.records.classes) - len(run.records.manifest.empty_classes) > 1:
    flags += ["--protocol=svm", f"--train_records={data.train_records}"]
    binary.print_next("tfvssl.evaluate", *flags)
  else:  # without labels
    binary.print_next(
      "tfvssl.export", flags[0], f"--output={workdir / 'export'}"
    )


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
