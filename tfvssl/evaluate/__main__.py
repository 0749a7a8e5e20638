"""Evaluates a trained run.

  python -m tfvssl.evaluate --workdir=RUN --protocol=svm \\
      --train_records=RECORDS/train --test_records=RECORDS/test

Protocols (paper appendix B): `svm` and `linear` on frozen features, `mlp` on
frozen features of clips that may have several labels, `finetune` of the whole
network; of MMV (its appendix A.2) `finetune_sgd`, and `pascal` and `imagenet`
on frozen features of still images, which go through the network as --image
says. --train_records and --test_records may be given several times: pairs are
the official splits, and what is chosen is chosen on the first. `retrieval`
between the modalities of an mmv run (its paper's appendix A.2) fits nothing:
it takes one --test_records alone. Settings are those of the run's config;
--set=linear.epochs=2 changes one. The result, RUN/results/NAME.json, holds
every choice, the values per split and their mean, and the same network at
random initialisation.
"""

from collections.abc import Sequence
import contextlib
import dataclasses
import importlib.metadata
import time

from absl import flags
from absl import logging

from tfvssl.config import experiment as config
from tfvssl.config import protocols
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import run_folder

_OF_IMAGES = ("pascal", "imagenet")

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of tfvssl.train.")
_PROTOCOL = flags.DEFINE_enum(
  "protocol",
  "svm",
  list(protocols.PROTOCOLS),
  "What is measured.",
)
_IMAGE = flags.DEFINE_enum(
  "image",
  None,
  ["naive", "trained", "repeated"],
  "How pascal and imagenet put an image through the video network: naively"
  " deflated, deflated by tfvssl.deflate, or as a film in which nothing moves.",
)
_TRAIN = flags.DEFINE_multi_string(
  "train_records", [], "Record folder that the classifier is fitted to."
)
_TEST = flags.DEFINE_multi_string(
  "test_records", [], "Record folder that it is tested on."
)
_MODALITY = flags.DEFINE_string(
  "modality", "video", "Encoder to evaluate: video, audio or another one."
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
  "C of the svm by the first split's test clips (the paper's rule) or by folds"
  " inside its training clips, which uses no test label.",
)
_SET = flags.DEFINE_multi_string(
  "set",
  [],
  "Instead of the run's value: SECTION.FIELD=VALUE of svm, linear, finetune,"
  " finetune_sgd, mlp, pascal, imagenet, retrieval or runtime; for example"
  " svm.grid_c=1e-4,1e-3. May be repeated.",
)
_NUM_FRAMES = flags.DEFINE_integer(
  "num_frames",
  None,
  "Frames of a view; the paper evaluates with 32. By default as trained.",
  lower_bound=1,
)
_IMAGE_SIZE = flags.DEFINE_integer(
  "image_size",
  None,
  "Side of a view in pixels; MMV evaluates UCF101 with 224. By default as"
  " trained.",
  lower_bound=1,
)
_SECONDS = flags.DEFINE_float(
  "seconds",
  None,
  "Length of a view of sound; MMV evaluates ESC-50 with 2. By default as"
  " trained.",
  lower_bound=0.1,
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
  if _is_retrieval():
    _check_retrieval_flags()
  else:
    check_pairs(_TRAIN.value, _TEST.value)
  if _PROTOCOL.value != "svm" and _CHOOSE_C.value != "first_test":
    raise ValueError(
      "--choose_c has no meaning for"
      f" --protocol={_PROTOCOL.value}; to fine-tune without any test label use"
      " --set=finetune.validation_share=0.25."
    )
  _check_image_flags()
  workdir = storage.Path(_WORKDIR.value)
  # Loads TensorFlow: after every check that needs none.
  from tfvssl.evaluate import assignments
  from tfvssl.evaluate import result_file
  from tfvssl.runtime import replicas

  logging.set_verbosity(logging.INFO)
  try:
    experiment = run_folder.read_config(workdir)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  experiment = assignments.assign(experiment, _SET.value)
  experiment.validate()
  replicas.prepare_process(experiment)
  if _is_retrieval():
    _check_retrieval(experiment)
  with _scope(experiment):
    from tfvssl.train import weights

    try:
      _, method, step = weights.load_method(
        workdir, experiment.runtime.precision
      )
    except ValueError as error:
      raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
    result = _evaluate(experiment, method, step)
  name = _NAME.value or result_file.name(result, _TEST.value)
  path = workdir / "results" / f"{name}.json"
  result_file.write(result, path)
  print(result_file.summary(result))
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


def _check_image_flags():
  """Raises ValueError unless --image stands with its protocols alone."""
  name, of_images = _PROTOCOL.value, _PROTOCOL.value in _OF_IMAGES
  if of_images and _IMAGE.value is None:
    raise ValueError(
      f"--protocol={name} needs --image, one of naive, trained and repeated;"
      " trained is what the paper proposes."
    )
  if not of_images and _IMAGE.value is not None:
    raise ValueError(
      f"--image has no meaning for --protocol={name}; it is for"
      f" {' and '.join(_OF_IMAGES)}."
    )
  if of_images:
    _refuse(_MODALITY, _NUM_FRAMES, _IMAGE_SIZE, _SECONDS)


def _refuse(*unwanted):
  """Raises ValueError if one of the flags is not at its default."""
  for flag in unwanted:
    if flag.value != flag.default:
      raise ValueError(
        f"--{flag.name} has no meaning for --protocol={_PROTOCOL.value}, which"
        " takes networks as they were trained; leave it out."
      )


def _is_retrieval():
  return _PROTOCOL.value == "retrieval"


def _check_retrieval_flags():
  if _TRAIN.value or len(_TEST.value) != 1:
    raise ValueError(
      "--protocol=retrieval fits nothing: it takes no --train_records"
      f" ({len(_TRAIN.value)} given) and one --test_records"
      f" ({len(_TEST.value)} given)."
    )
  _refuse(_MODALITY, _NUM_FRAMES, _IMAGE_SIZE, _SECONDS, _SAME_PATHS_DIFFER)


def _check_retrieval(experiment):
  from tfvssl.evaluate.protocols import known
  from tfvssl.evaluate.protocols import retrieval

  method = experiment.method.build()
  retrieval.check_method(method)
  spec = method.encoders()["video"].spec
  known.check_short_side(spec, experiment.retrieval, "retrieval")


def _scope(experiment):
  """Returns the scope in which networks are made and run.

  Features of the SVM and embeddings of a retrieval are those of one device,
  whatever the run was trained on.
  """
  from tfvssl.runtime import replicas

  if _PROTOCOL.value in ("svm", "retrieval"):
    return contextlib.nullcontext()
  placement = experiment.runtime
  if placement.strategy == config.Strategy.MULTI_WORKER:
    logging.info("An evaluation runs on this host alone: mirrored.")
    placement = dataclasses.replace(
      placement, strategy=config.Strategy.MIRRORED
    )
  try:
    return replicas.build_strategy(placement).scope()
  except ValueError as error:
    raise ValueError(
      f"{error} To evaluate elsewhere than the run was trained:"
      " --set=runtime.strategy=cpu."
    ) from error


def _evaluate(experiment, method, step):
  began = time.monotonic()
  measure = _measure_retrieval if _is_retrieval() else _measure
  measured = measure(experiment, method)
  return {
    "protocol": measured.pop("protocol"),
    "checkpoint_step": step,
    **measured,
    "versions": _versions(),
    "seconds": round(time.monotonic() - began, 1),
  }


def _measure(experiment, method):
  from tfvssl.evaluate.samples import splits as splits_of

  encoders = method.encoders()
  if _MODALITY.value not in encoders:
    raise ValueError(
      f"--modality={_MODALITY.value}: the run has no such encoder; found:"
      f" {', '.join(encoders)}."
    )
  encoder = encoders[_MODALITY.value]
  if _PROTOCOL.value in _OF_IMAGES:
    encoder = _image_encoder(encoder, _image())
  protocol = _protocol(experiment, encoder)
  try:
    splits = protocol.open_splits(_TRAIN.value, _TEST.value)
    pretrained = protocol.evaluate(encoder, splits)
    seeds = range(experiment.seed, experiment.seed + _RANDOM_SEEDS.value)
    random = protocol.evaluate_random(
      ((seed, _fresh_encoder(experiment, seed)) for seed in seeds), splits
    )
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  return {
    "protocol": {
      **protocol.to_tree(),
      "random_seeds": _RANDOM_SEEDS.value,
    },
    "classes": splits[0].classes,
    "splits": [
      {**splits_of.describe_split(split), **protocol.baselines(split)}
      for split in splits
    ],
    "pretrained": pretrained,
    "random_initialisation": random,
  }


def _fresh_encoder(experiment, seed):
  """Returns the evaluated encoder with initial weights."""
  from tfvssl.train import weights

  encoders = weights.fresh_method(experiment, seed).encoders()
  encoder = encoders[_MODALITY.value]
  if _PROTOCOL.value not in _OF_IMAGES:
    return encoder
  from tfvssl.evaluate.protocols import images

  image = images.of_random(_image())
  return _image_encoder(encoder, image)


def _image():
  from tfvssl.deflate import networks

  return networks.Image(_IMAGE.value or "none")


def _image_encoder(encoder, image):
  from tfvssl.deflate import networks

  workdir = storage.Path(_WORKDIR.value)
  try:
    return networks.encoder(encoder, image, workdir)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def _measure_retrieval(experiment, method):
  from tfvssl.evaluate.protocols import retrieval

  try:
    return retrieval.measure(
      experiment, method, _TEST.value[0], _RANDOM_SEEDS.value
    )
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def _protocol(experiment, encoder):
  """Returns the protocol of --protocol with all its choices."""
  from tfvssl.evaluate.classifiers import linear_svm
  from tfvssl.evaluate.protocols import known
  from tfvssl.evaluate.samples import view_size

  return known.build(
    _PROTOCOL.value,
    experiment,
    view_size.resized(
      encoder.spec,
      num_frames=_NUM_FRAMES.value,
      image_size=_IMAGE_SIZE.value,
      seconds=_SECONDS.value,
      short_side=getattr(experiment, _PROTOCOL.value).test_short_side,
    ),
    modality=_MODALITY.value,
    same_paths_differ=_SAME_PATHS_DIFFER.value,
    choose_c=linear_svm.ChooseC(_CHOOSE_C.value),
    image=_image(),
    workdir=storage.Path(_WORKDIR.value),
  )


def _versions():
  return {
    name: importlib.metadata.version(name)
    for name in ("tensorflow", "scikit-learn", "numpy")
  }


def console_main() -> None:
  """Runs the binary as a console script."""
  exit_codes.run(main)


if __name__ == "__main__":
  console_main()
