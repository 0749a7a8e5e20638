"""A protocol that this file alone knows: one line in one list, and it runs."""

import dataclasses
import json
from typing import ClassVar

import numpy as np
import pytest

from tests import forked_binaries
from tests import tiny_runs
from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl.config import paper_rows
from tfvssl.config import protocols
from tfvssl.evaluate import paper_figure
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import classification
from tfvssl.evaluate.protocols import known
from tfvssl.evaluate.protocols import svm
from tfvssl.evaluate.samples import features
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

# The commands, which know the new protocol, too.
_EVALUATE = "tests.evaluate.commands_with_nearest_mean.evaluate"
_COMPARE = "tests.evaluate.commands_with_nearest_mean.compare"


@dataclasses.dataclass
class NearestMean(protocols.Untrained):
  """A clip is of the class whose mean feature is the nearest.

  Attributes:
    train_epochs: passes of training clips that a mean is taken over.
  """

  train_epochs: int = 2

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    if self.train_epochs < 1:
      raise ValueError(
        f"`{name}.train_epochs` ({self.train_epochs}) must be above 0."
      )


@dataclasses.dataclass
class NearestMeanProtocol(classification.ClassificationProtocol):
  """See NearestMean."""

  recipe: NearestMean = dataclasses.field(default_factory=NearestMean)
  NAME: ClassVar[str] = "nearest_mean"
  TITLE: ClassVar[str] = "nearest mean feature"
  SOURCE: ClassVar[str] = "this test"
  ON_ONE_DEVICE: ClassVar[bool] = True
  STANDS_FOR: ClassVar[type[base.Protocol]] = svm.SvmProtocol
  NOT_COMPARED: ClassVar[tuple[str, ...]] = ("batch_size",)
  Settings: ClassVar[type[protocols.TestViews]] = NearestMean

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {**super().to_tree(), "train_epochs": self.recipe.train_epochs}

  def scores(self, encoder, splits):
    """Returns no choice, and the accuracies of each split."""
    return {}, [self._score(encoder, split) for split in splits]

  def _score(self, encoder, split):
    train = features.training_features(
      encoder, split.train, self.settings, self.recipe.train_epochs
    ).mean(axis=1)
    test = features.test_features(encoder, split.test, self.settings)
    labels = split.train_labels[:, 0]
    means = np.stack([train[labels == c].mean(axis=0) for c in split.columns])
    far = np.linalg.norm(test.mean(axis=1)[:, None] - means, axis=-1)
    accuracy = linear_svm.accuracy_of(
      -far, split.columns, split.test_labels[:, 0]
    )
    return classification.accuracy_tree(split, accuracy)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
  """A run at step 3, records of two classes, and the recipe of the run."""
  root = tmp_path_factory.mktemp("new")
  workdir = root / "RUN"
  workdir.mkdir()
  experiment = tiny_runs.experiment()
  run_folder.write_config(experiment, workdir)
  method = weights.fresh_method(experiment, 8)
  checkpoint_store.CheckpointStore(workdir, {"method": method}, kept=1).save(3)
  for name, seeds in (("train", range(6)), ("test", range(20, 24))):
    clips = [record_fixture.make_clip(seed, num_frames=20) for seed in seeds]
    record_fixture.write_records(root / name, clips, num_shards=2)
  (root / "recipe.py").write_text(
    "from tests import tiny_runs\n"
    "from tfvssl.config import paper_rows\n"
    'PAPER = (paper_rows.Row("Table 6", "V-A", {"ucf101_linear": 93.0}),)\n'
    "def get_config():\n"
    "  return tiny_runs.experiment()\n"
  )
  return root


@pytest.mark.slow
def test_new_protocol_ends_in_a_result_that_is_compared(root):
  done = forked_binaries.run(
    _EVALUATE,
    f"--workdir={root / 'RUN'}",
    "--protocol=nearest_mean",
    f"--train_records={root / 'train'}",
    f"--test_records={root / 'test'}",
    "--set=nearest_mean.temporal_clips=2",
    "--set=nearest_mean.test_short_side=16",
    "--set=nearest_mean.train_epochs=3",
    "--name=new",
  )
  assert done.returncode == 0, done.stderr[-3000:]
  path = root / "RUN" / "results" / "new.json"
  result = json.loads(path.read_text())
  protocol = result["protocol"]
  assert (protocol["name"], protocol["source"]) == ("nearest_mean", "this test")
  # Two values of --set, and the default of what it does not name.
  assert (protocol["temporal_clips"], protocol["spatial_crops"]) == (2, 3)
  assert (protocol["train_epochs"], result["checkpoint_step"]) == (3, 3)
  (split,) = result["pretrained"]["splits"]
  right = sum(
    name.split("/")[0] == label for name, label in split["predictions"].items()
  )
  assert split["top_1"] == right / 4 == result["pretrained"]["mean"]["top_1"]
  assert result["random_initialisation"]["runs"][0]["seed"] == 0
  lines = done.stdout.splitlines()
  assert lines[0] == "nearest mean feature, 1 split(s), top-1 (top-5) %"
  assert lines[1].split() == ["pretrained", f"{25 * right:.1f}", "(-)"]

  told = forked_binaries.run(
    _COMPARE,
    f"--result={path}",
    f"--config={root / 'recipe.py'}",
    "--benchmark=ucf101_linear",
  )
  assert told.returncode == 0, told.stderr[-3000:]
  lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
  assert f"measured {25 * right:.1f}" in lines
  assert "protocol nearest_mean svm" in lines
  assert "classes 2 101" in lines


def test_bad_setting_of_it_is_one_line(root):
  done = forked_binaries.run(
    _EVALUATE,
    f"--workdir={root / 'RUN'}",
    "--protocol=nearest_mean",
    "--train_records=a",
    "--test_records=b",
    "--set=nearest_mean.train_epochs=0",
  )
  assert done.returncode == 2
  assert done.stderr.strip().splitlines()[-1] == (
    "error: `nearest_mean.train_epochs` (0) must be above 0."
  )


def test_nearest_mean_separates_dark_from_bright(tmp_path):
  folders = [
    str(grey_records.bright_and_dark(tmp_path / name, count, first=first))
    for name, count, first in (("train", 6, 0), ("test", 5, 20))
  ]
  protocol = NearestMeanProtocol("video", grey_records.settings())
  splits = protocol.open_splits(folders[:1], folders[1:])
  encoder = grey_records.mean_colour_encoder(protocol.settings.spec)
  result = protocol.evaluate(encoder, splits)
  assert result["mean"] == {"top_1": 1.0, "top_5": None}
  assert result["splits"][0]["confusion"] == [[3, 0], [0, 2]]


def test_its_own_settings_are_held_against_a_papers(monkeypatch):
  monkeypatch.setitem(
    known.PROTOCOLS, "nearest_mean", lambda: NearestMeanProtocol
  )
  benchmark = paper_rows.Benchmark(
    "Toy nearest mean", NearestMean, "video", "top_1", classes=2, splits=1
  )
  monkeypatch.setitem(paper_rows.BENCHMARKS, "toy_nearest", benchmark)
  row = paper_rows.Row("Table 1", "x", {"toy_nearest": 60.0}, test_frames=4)
  result = {
    "protocol": {
      "name": "nearest_mean",
      "modality": "video",
      "train_view": {"num_frames": 4},
      "temporal_clips": 10,
      "spatial_crops": 1,
      "test_short_side": 256,
      "train_epochs": 3,
      "batch_size": 99,
    },
    "checkpoint_step": 12,
    "classes": ["dark", "bright"],
    "splits": [{}],
    "pretrained": {"mean": {"top_1": 0.75}},
  }
  assert paper_figure.measured(result, "toy_nearest") == 75.0
  recipe = tiny_runs.experiment()
  assert paper_figure.differences(result, recipe, row, "toy_nearest") == [
    ("spatial crops", 1, 3),
    ("train epochs", 3, 2),
  ]
