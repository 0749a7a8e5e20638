"""Every protocol by its name, with the views of its paper."""

import ast
import dataclasses
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from tests import source_tree
from tests import tiny_runs
from tfvssl.config import experiment as config
from tfvssl.config import pictures
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import known
from tfvssl.methods import mmv


def _protocol(name, image=None, workdir=pathlib.Path()):
  experiment = tiny_runs.experiment()
  experiment = dataclasses.replace(
    experiment,
    finetune_sgd=dataclasses.replace(experiment.finetune_sgd, image_size=240),
  )
  kind = known.named(name)
  request = requests.Request(workdir=workdir, protocol=name, image=image)
  settings = kind.settings_of(experiment)
  subject = base.Subject(request, experiment, settings, tf.keras.Model())
  return kind.build(subject, mmv.video_view())


@pytest.mark.parametrize(
  ("name", "train_size", "test_size", "colour", "flip"),
  [
    ("svm", 200, 200, 1.0, 0.5),
    ("linear", 200, 256, 1.0, 0.5),
    ("finetune", 200, 200, 0.0, 0.5),
    ("finetune_sgd", 240, 240, 1.0, 0.5),
    ("mlp", 200, 200, 1.0, 0.5),
    ("pascal", 200, 200, 0.0, 0.0),
    ("imagenet", 200, 200, 1.0, 0.0),
  ],
)
def test_views_of_training_and_test(name, train_size, test_size, colour, flip):
  protocol = _protocol(name, "naive")
  assert protocol.NAME == protocol.to_tree()["name"] == name
  spec, test_spec = protocol.settings.spec, protocol.settings.test_spec
  assert (spec.image_size, test_spec.image_size) == (train_size, test_size)
  draws = spec.augmentation
  assert (draws.colour_probability, draws.flip_probability) == (colour, flip)
  if name == "finetune_sgd":
    assert spec.crop == pictures.JitterCrop((0.8, 1.2), share=240 / 256)


def test_all_but_retrieval_are_known():
  tested = test_views_of_training_and_test.pytestmark[0].args[1]
  names = [case[0] for case in tested]
  assert [*names, "retrieval"] == known.names()
  assert list(config.protocol_sections()) == known.names()


def test_trained_deflation_must_be_there(tmp_path):
  with pytest.raises(FileNotFoundError, match="holds no deflated network"):
    _protocol("pascal", "trained", tmp_path)


def _refused(**flags):
  request = requests.Request(workdir=pathlib.Path("RUN"), **flags)
  with pytest.raises(ValueError) as caught:
    known.check(request)
  return str(caught.value)


_PAIR = {"train_records": ("a",), "test_records": ("b",)}


def test_every_protocol_takes_what_it_needs():
  for kind in known.loaded():
    pair = {**_PAIR, "image": "naive" if kind.TAKES_IMAGES else None}
    if kind.NAME == "retrieval":
      pair["train_records"] = ()
    request = requests.Request(
      workdir=pathlib.Path("RUN"), protocol=kind.NAME, **pair
    )
    assert known.check(request) is kind


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (
      {"protocol": "knn", **_PAIR},
      "--protocol=knn must be one of svm, linear, finetune, finetune_sgd, mlp,"
      " pascal, imagenet, retrieval.",
    ),
    (
      {"protocol": "linear", "train_records": ("a", "b")},
      "--train_records was given 2 times and --test_records 0 times; they must"
      " pair, once or more.",
    ),
    (
      {"protocol": "mlp", "choose_c": "cross_validation", **_PAIR},
      "--choose_c has no meaning for --protocol=mlp; to fine-tune without any"
      " test label use --set=finetune.validation_share=0.25.",
    ),
    (
      {"protocol": "imagenet", **_PAIR},
      "--protocol=imagenet needs --image, one of naive, trained and repeated;"
      " trained is what the paper proposes.",
    ),
    (
      {"protocol": "svm", "image": "naive", **_PAIR},
      "--image has no meaning for --protocol=svm; it is for pascal and"
      " imagenet.",
    ),
    (
      {"protocol": "pascal", "image": "naive", "seconds": 2.0, **_PAIR},
      "--seconds has no meaning for --protocol=pascal, which takes networks as"
      " they were trained; leave it out.",
    ),
    (
      {
        "protocol": "retrieval",
        "test_records": ("b",),
        "same_paths_differ": True,
      },
      "--same_paths_differ has no meaning for --protocol=retrieval, which"
      " takes networks as they were trained; leave it out.",
    ),
  ],
)
def test_flags_without_meaning_are_refused(flags, message):
  assert _refused(**flags) == message


def test_protocols_are_found_by_name_and_by_settings():
  for name, kind in zip(known.names(), known.loaded(), strict=True):
    assert kind.NAME == name
    assert known.named(name) is kind
    assert known.with_settings(kind.Settings) is kind
  assert known.named("knn") is None


def test_known_protocols_load_no_file_of_theirs():
  code = (
    "import sys\n"
    "from tfvssl.evaluate import __main__\n"
    "from tfvssl.compare import comparison\n"
    "heavy = {'tensorflow', 'sklearn', 'official'} & set(sys.modules)\n"
    "files = 'tfvssl.evaluate.protocols.'\n"
    "heavy |= {m for m in sys.modules if '.classifiers' in m}\n"
    "heavy |= {m for m in sys.modules if m.startswith(files)}\n"
    "heavy -= {files + 'base', files + 'known'}\n"
    "print(sorted(heavy))"
  )
  done = subprocess.run(
    [sys.executable, "-c", code],
    cwd=source_tree.ROOT,
    capture_output=True,
    text=True,
    timeout=100,
  )
  assert (done.stdout, done.stderr) == ("[]\n", "")


# Not those of samples, classifiers and retrieval, which name layers and fields,
# nor config/paper_rows, whose "imagenet" is a data set.
_SHARED = (
  "tfvssl/evaluate/*.py",
  "tfvssl/compare/*.py",
  "tfvssl/config/protocols.py",
  "tfvssl/train/run_folder.py",
)


def test_no_shared_file_spells_a_protocol():
  files = [p for place in _SHARED for p in source_tree.ROOT.glob(place)]
  assert len(files) > 10
  for path in files:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
      if isinstance(node, ast.Constant):
        assert node.value not in known.names(), f"{path}:{node.lineno}"
