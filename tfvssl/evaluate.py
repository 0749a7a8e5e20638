"""Evaluates a trained run with frozen features.

  python -m tfvssl.evaluate --workdir=RUN --protocol=svm \\
      --train_records=RECORDS/train --test_records=RECORDS/test

Linear SVM (paper appendix B). --train_records and --test_records may be given
several times: pairs are the official splits, and C is chosen on the first.
The result, RUN/results/NAME.json, holds every choice, the values per split
and their mean, and the same network at random initialisation.
"""

from collections.abc import Sequence
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import pathlib
import re
import time

from absl import flags
from absl import logging

from tfvssl import config
from tfvssl import exit_codes
from tfvssl import views
from tfvssl import workdir as run_folder

_NAME_LENGTH = 80  # of the records' part; file systems allow 255 in all

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of tfvssl.train.")
_PROTOCOL = flags.DEFINE_enum("protocol", "svm", ["svm"], "What is measured.")
_TRAIN = flags.DEFINE_multi_string(
  "train_records", [], "Record folder that the classifier is fitted to."
)
_TEST = flags.DEFINE_multi_string(
  "test_records", [], "Record folder that it is tested on."
)
_MODALITY = flags.DEFINE_string(
  "modality", "video", "Encoder to evaluate: video, audio."
)
_NAME = flags.DEFINE_string(
  "name",
  None,
  "Name of the result. By default it tells protocol, modality, step, the test"
  " records and, in a hash, the content of all records and every choice: only"
  " a repetition replaces a result.",
)
_CHOOSE_C = flags.DEFINE_enum(
  "choose_c",
  "first_test",
  ["first_test", "cross_validation"],
  "C by the first split's test clips (the paper's rule) or by folds inside"
  " its training clips, which uses no test label.",
)
_TRAIN_EPOCHS = flags.DEFINE_integer(
  "train_epochs", None, "Instead of the run's `svm.train_epochs`."
)
_TEMPORAL_CLIPS = flags.DEFINE_integer(
  "temporal_clips", None, "Instead of the run's `svm.temporal_clips`."
)
_SPATIAL_CROPS = flags.DEFINE_integer(
  "spatial_crops", None, "Instead of the run's `svm.spatial_crops`."
)
_TEST_SHORT_SIDE = flags.DEFINE_integer(
  "test_short_side", None, "Instead of the run's `svm.test_short_side`."
)
_BATCH_SIZE = flags.DEFINE_integer(
  "batch_size", None, "Instead of the run's `svm.batch_size`."
)
_GRID_C = flags.DEFINE_list(
  "grid_c", None, "Instead of the run's `svm.grid_c`, comma-separated."
)
_NUM_FRAMES = flags.DEFINE_integer(
  "num_frames",
  None,
  "Frames of a view; the paper evaluates with 32. By default as trained.",
  lower_bound=1,
)
_RANDOM_SEEDS = flags.DEFINE_integer(
  "random_seeds",
  1,
  "Randomly initialised networks to compare with; 0 for none.",
  lower_bound=0,
)
_SAME_PATHS_DIFFER = flags.DEFINE_bool(
  "same_paths_differ",
  False,
  "Training and test records come from different folders, in which equal"
  " relative paths are different files.",
)


def main(argv: Sequence[str]) -> int:
  """Evaluates the run of --workdir and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is no flag; see --helpfull.")
  if not _WORKDIR.value:
    raise ValueError("--workdir is missing; for example --workdir=RUN")
  check_pairs(_TRAIN.value, _TEST.value)
  grid_c = parse_grid(_GRID_C.value)
  workdir = pathlib.Path(_WORKDIR.value)
  # Loads TensorFlow: after every check that needs none.
  from tfvssl import checkpoints
  from tfvssl import runtime

  logging.set_verbosity(logging.INFO)
  try:
    experiment = config.load(workdir / run_folder.CONFIG_NAME)
    runtime.prepare_process(experiment)
    experiment, method, step = checkpoints.load_method(workdir)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  settings = _svm_settings(experiment.svm, grid_c)
  experiment = dataclasses.replace(experiment, svm=settings)
  experiment.validate()
  result = _evaluate(experiment, method, step)
  name = _NAME.value or result_name(result, _TEST.value)
  path = workdir / "results" / f"{name}.json"
  write_result(result, path)
  print(summary(result))
  print(f"result: {path}")
  print(
    f"next: python -m tfvssl.export --workdir={workdir}"
    f" --output={workdir / 'export'}"
  )
  return exit_codes.OK


def check_pairs(train_folders: list[str], test_folders: list[str]) -> None:
  """Raises ValueError unless every training folder has a test folder."""
  if len(train_folders) != len(test_folders) or not train_folders:
    raise ValueError(
      f"--train_records was given {len(train_folders)} times and"
      f" --test_records {len(test_folders)} times; they must pair, once or"
      " more."
    )


def parse_grid(words: list[str] | None) -> tuple[float, ...] | None:
  """Returns the numbers of --grid_c; None where it was not given.

  Raises:
    ValueError: one is no number.
  """
  try:
    return None if words is None else tuple(float(word) for word in words)
  except ValueError as error:
    raise ValueError(
      f"--grid_c={','.join(words or [])} must be numbers, for example"
      " 1e-4,1e-3,1e-2"
    ) from error


def _svm_settings(settings, grid_c):
  """Returns the run's settings with the values of the flags."""
  values = {
    "train_epochs": _TRAIN_EPOCHS.value,
    "temporal_clips": _TEMPORAL_CLIPS.value,
    "spatial_crops": _SPATIAL_CROPS.value,
    "test_short_side": _TEST_SHORT_SIDE.value,
    "batch_size": _BATCH_SIZE.value,
    "grid_c": grid_c,
  }
  given = {name: v for name, v in values.items() if v is not None}
  return dataclasses.replace(settings, **given)


def result_name(result: dict, test_folders: list[str]) -> str:
  """Returns a file name that only an equal evaluation has.

  Args:
    result: of `_evaluate`; its accuracies and times have no part in the name.
    test_folders: of the records; the folder's name and its parent's, as `test`
      alone says little.
  """
  names = [
    "-".join(pathlib.Path(folder).resolve().parts[-2:])
    for folder in test_folders
  ]
  words = re.sub(r"[^A-Za-z0-9.]+", "-", "+".join(names)).strip("-.")
  about = [
    result["protocol"],
    [(s["train_records"], s["test_records"]) for s in result["splits"]],
  ]
  digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
  protocol = result["protocol"]
  return (
    f"{protocol['name']}_{protocol['modality']}"
    f"_step_{result['checkpoint_step']}_{words[:_NAME_LENGTH]}"
    f"_{digest.hexdigest()[:8]}"
  )


def _evaluate(experiment, method, step):
  from tfvssl import checkpoints
  from tfvssl.evaluation import svm_protocol

  began = time.monotonic()
  encoders = method.encoders()
  if _MODALITY.value not in encoders:
    raise ValueError(
      f"--modality={_MODALITY.value}: the run has no such encoder; found:"
      f" {', '.join(encoders)}."
    )
  encoder = encoders[_MODALITY.value]
  protocol = _protocol(experiment, encoder)
  try:
    splits = svm_protocol.open_splits(_TRAIN.value, _TEST.value, protocol)
    pretrained = svm_protocol.evaluate(encoder, splits, protocol)
    seeds = range(experiment.seed, experiment.seed + _RANDOM_SEEDS.value)
    random = svm_protocol.evaluate_random(
      (
        (
          seed,
          checkpoints.fresh_method(experiment, seed).encoders()[
            _MODALITY.value
          ],
        )
        for seed in seeds
      ),
      splits,
      protocol,
    )
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  return {
    "protocol": protocol.to_tree(),
    "checkpoint_step": step,
    "classes": splits[0].classes,
    "splits": [svm_protocol.describe_split(split) for split in splits],
    "pretrained": pretrained,
    "random_initialisation": random,
    "versions": _versions(),
    "seconds": round(time.monotonic() - began, 1),
  }


def _protocol(experiment, encoder):
  from tfvssl.evaluation import features
  from tfvssl.evaluation import svm
  from tfvssl.evaluation import svm_protocol

  spec = features.training_spec(encoder.spec)
  if _NUM_FRAMES.value is not None:
    if not isinstance(spec, (views.RgbViewSpec, views.FlowViewSpec)):
      raise ValueError("--num_frames has no meaning for sound.")
    spec = dataclasses.replace(spec, num_frames=_NUM_FRAMES.value)
  short_side = experiment.svm.test_short_side
  if isinstance(spec, views.RgbViewSpec) and spec.image_size > short_side:
    raise ValueError(
      f"`svm.test_short_side` ({short_side}) must be at least the view's"
      f" `image_size` ({spec.image_size}); try"
      f" --test_short_side={round(spec.image_size * 256 / 224)}."
    )
  settings = features.Settings(
    spec, experiment.svm, views.FRAME_RATE_HZ, experiment.seed
  )
  return svm_protocol.Protocol(
    _MODALITY.value,
    settings,
    svm.ChooseC(_CHOOSE_C.value),
    _SAME_PATHS_DIFFER.value,
  )


def _versions():
  return {
    name: importlib.metadata.version(name)
    for name in ("tensorflow", "scikit-learn", "numpy")
  }


def write_result(result: dict, path: pathlib.Path) -> None:
  """Writes the result; the file appears whole."""
  path.parent.mkdir(parents=True, exist_ok=True)
  unfinished = path.with_name(f".{path.name}.{os.getpid()}")
  try:
    with open(unfinished, "w", encoding="utf-8") as file:
      # NaN is no JSON; accuracies are never NaN.
      json.dump(result, file, indent=1, allow_nan=False)
      file.write("\n")
      file.flush()
      os.fsync(file.fileno())
    unfinished.rename(path)
  finally:
    unfinished.unlink(missing_ok=True)


def summary(result: dict) -> str:
  """Returns a few lines for a person: per cent, mean over the splits."""
  lines = [f"linear SVM, {len(result['splits'])} split(s), top-1 (top-5) %"]
  rows = {
    "pretrained": result["pretrained"]["mean"],
    "random initialisation": result["random_initialisation"]["mean"],
  }
  for name, mean in rows.items():
    if mean["top_1"] is not None:
      top_5 = "-" if mean["top_5"] is None else f"{100 * mean['top_5']:.1f}"
      lines.append(f"  {name:22} {100 * mean['top_1']:5.1f} ({top_5})")
  first = result["splits"][0]
  lines.append(f"  {'chance':22} {100 * first['chance']:5.1f}")
  lines.append(f"  {'most frequent class':22} {100 * first['majority']:5.1f}")
  return "\n".join(lines)


def console_main() -> None:
  """Runs the binary as a console script."""
  exit_codes.run(main)


if __name__ == "__main__":
  console_main()
