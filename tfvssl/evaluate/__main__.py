"""Evaluates a trained run.

  python -m tfvssl.evaluate --workdir=RUN --protocol=svm \\
      --train_records=RECORDS/train --test_records=RECORDS/test

Protocols (paper appendix B): `svm` and `linear` on frozen features, `mlp` on
frozen features of clips that may have several labels, `finetune` of the whole
network; from MMV (its appendix A.2) `finetune_sgd`, and `pascal` and `imagenet`
on frozen features of still images, which go through the network as --image
says. --train_records and --test_records may be given several times: pairs are
the official splits, and what is chosen is chosen on the first. `retrieval`
between modalities that share a space (MMV's appendix A.2) fits nothing: it
takes one --test_records alone. Settings are those of the run's config;
--set=linear.epochs=2 changes one. The result, RUN/results/NAME.json, holds
every choice, the values per split and their mean, and the same network at
random initialisation.
"""

from collections.abc import Sequence

from absl import flags
from absl import logging

from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import known
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

FEWEST_STEPS = 300_000  # of any run in a paper's table

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of tfvssl.train.")
_PROTOCOL = flags.DEFINE_enum(
  "protocol",
  known.names()[0],
  known.names(),
  "What is measured.",
)
_IMAGE = flags.DEFINE_enum(
  "image",
  None,
  ["naive", "trained", "repeated"],
  "How a protocol of still images puts one through the video network: naively"
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
  f"Instead of the run's value: SECTION.FIELD=VALUE of"
  f" {', '.join(known.names())} or runtime; for example"
  " svm.grid_c=1e-4,1e-3. May be repeated.",
)
_SAVE_CLASSIFIER = flags.DEFINE_string(
  "save_classifier", "", "The .npz to keep the svm or the linear layer in."
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
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _WORKDIR.value:
    raise ValueError("--workdir is missing; for example --workdir=RUN")
  request = _request()
  protocol = known.check(request)
  # Loads TensorFlow: after every check that needs none.
  from tfvssl.evaluate import evaluation
  from tfvssl.evaluate import result_file
  from tfvssl.train import run_folder

  logging.set_verbosity(logging.INFO)
  results = request.workdir / "results"
  progress = None
  if protocol.TRAINS:
    from tfvssl.evaluate import progress as kept

    progress = kept.Progress(results / "unfinished")
  result = evaluation.run(request, progress)
  name = request.name or result_file.name(result, request.test_records)
  path = results / f"{name}.json"
  result_file.write(result, path)
  if progress is not None:
    progress.remove()
  print(protocol.summary(result))
  if result["checkpoint_step"] >= FEWEST_STEPS:
    from tfvssl.evaluate import paper_line

    run = run_folder.read_config(request.workdir)
    for line in paper_line.lines(result, run):
      print(line)
  print(f"result: {path}")
  if request.save_classifier:
    print(f"classifier: {request.save_classifier}, for tfvssl.classify")
  of_images = [f"--image={request.image}"] if request.image else []
  export = request.workdir / "export"
  if export.exists():
    export = request.workdir / f"export_{name}"
  flags = [f"--workdir={request.workdir}", f"--output={export}", *of_images]
  binary.print_next("tfvssl.export", *flags)
  return exit_codes.OK


def _request():
  return requests.Request(
    workdir=storage.Path(_WORKDIR.value),
    protocol=_PROTOCOL.value,
    train_records=tuple(_TRAIN.value),
    test_records=tuple(_TEST.value),
    changes=tuple(_SET.value),
    modality=_MODALITY.value,
    image=_IMAGE.value,
    choose_c=_CHOOSE_C.value,
    num_frames=_NUM_FRAMES.value,
    image_size=_IMAGE_SIZE.value,
    seconds=_SECONDS.value,
    random_seeds=_RANDOM_SEEDS.value,
    same_paths_differ=_SAME_PATHS_DIFFER.value,
    save_classifier=_SAVE_CLASSIFIER.value,
    name=_NAME.value or "",
  )


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
