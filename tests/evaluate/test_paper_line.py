"""An evaluation ends with the paper's figure where the two can be compared."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from configs import make_readme
from tests import paper_results
from tests import tiny_runs
from tests.conftest import ROOT
from tests.data import record_fixture
from tfvssl.config import recipes
from tfvssl.evaluate import __main__ as command
from tfvssl.evaluate import paper_line
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

_RECIPE = '''"""A run of a paper that has tiny networks."""
from tests import tiny_runs
from tfvssl.config import paper_rows
from tfvssl.config import protocols

_VALUES = {"hmdb51_linear": 64.4, "ucf101_linear": 90.6, "esc50_linear": 5.0}
PAPER = (
  paper_rows.Row("Table 2", "A", _VALUES, test_frames=4, first_split=True),
  paper_rows.Row("Table 9", "of three splits", _VALUES, test_frames=4),
  paper_rows.Row("Table 9", "of 32 frames", _VALUES, first_split=True),
)

def get_config():
  svm = protocols.Svm(
    train_epochs=1,
    temporal_clips=1,
    spatial_crops=1,
    test_short_side=16,
    grid_c=(1e-3,),
  )
  return tiny_runs.experiment(steps=300_000, svm=svm)
'''
# The command, with recipes of the folder that it runs in.
_COMMAND = """
import pathlib
from tfvssl.config import recipes
recipes.FOLDER = pathlib.Path("configs").resolve()
from tfvssl.evaluate import __main__ as command
command.console_main()
"""
_BROKEN = (
  'raise RuntimeError("no recipe")\nPAPER = ()\ndef get_config():\n  pass\n'
)


def _records(folder, seeds):
  """Writes a clip of each class of HMDB51."""
  classes = [f"class_{number}" for number in range(51)]
  clips = [record_fixture.make_clip(seed, num_frames=8) for seed in seeds]
  for number, clip in enumerate(clips):
    clip.clip_id = clip.path = f"{classes[number]}/{clip.clip_id[-7:]}"
    clip.label_index, clip.label_text = number, classes[number]
  record_fixture.write_records(folder, clips, num_shards=1, classes=classes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """Recipes, a run of one of them that is at its last step, and records."""
  root = tmp_path_factory.mktemp("paper")
  (root / "configs").mkdir()
  (root / "configs" / "mine.py").write_text(_RECIPE)
  (root / "configs" / "broken.py").write_text(_BROKEN)
  recipe = recipes.load(root / "configs" / "mine.py")
  experiment = recipe.get_config()
  experiment.data.train_records = "RECORDS"
  (root / "RUN").mkdir()
  run_folder.write_config(experiment, root / "RUN")
  method = weights.fresh_method(experiment, 8)
  store = checkpoint_store.CheckpointStore(
    root / "RUN", {"method": method}, kept=1
  )
  store.save(300_000)
  _records(root / "train", range(51))
  _records(root / "test", range(100, 151))
  return root


def _evaluate(folder, *flags):
  done = subprocess.run(
    [
      sys.executable,
      "-c",
      _COMMAND,
      "--workdir=RUN",
      "--train_records=train",
      "--test_records=test",
      "--random_seeds=0",
      *flags,
    ],
    cwd=folder,
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert done.returncode == 0, done.stderr[-3000:]
  return done


@pytest.mark.slow
def test_figure_that_can_be_compared_is_said_and_no_other(folder):
  done = _evaluate(folder)
  *_, paper, result, following = done.stdout.splitlines()
  assert following.startswith("next: ")
  path = pathlib.Path(folder, result.removeprefix("result: "))
  top_1 = 100 * json.loads(path.read_text())["pretrained"]["mean"]["top_1"]
  assert paper == (
    f'paper (Table 2, "A"): HMDB51 linear 64.4; this run: {top_1:.1f},'
    f" {top_1 - 64.4:+.1f}"
  )
  assert done.stdout.count("paper (") == 1
  assert "broken.py cannot be read as a recipe: no recipe" in done.stderr


@pytest.mark.slow
def test_other_setting_has_no_figure_beside_it(folder):
  assert "paper (" not in _evaluate(folder, "--set=svm.grid_c=1e-2").stdout


def _recipe(name):
  return recipes.load(name)


def _lines(run, **result):
  found = paper_results.result() | {"checkpoint_step": run.steps} | result
  return paper_line.lines(found, run)


def test_run_is_known_by_all_that_it_was_trained_with():
  run = _recipe("brave/va_audioset").get_config()
  run.data.train_records, run.runtime.logical_cpus = "MINE", 4
  said = 'paper (Table 6, "BraVe: V <-> A (ours), TSM-50, AS"): UCF101 linear'
  assert _lines(run) == [f"{said} 93.0; this run: 90.0, -3.0"]
  assert _lines(run, checkpoint_step=310_000) == []
  assert _lines(run, classes=["a", "b"]) == []
  run.batch_size = 256
  assert _lines(run) == []
  assert _lines(tiny_runs.experiment()) == []


def test_rows_that_records_alone_tell_apart_are_both_there():
  run = _recipe("brave/vf_k600_r3d").get_config()
  protocol = paper_results.result()["protocol"]
  protocol["train_view"] = {"num_frames": 32}
  protocol["test_short_side"] = run.svm.test_short_side
  said = " ".join(_lines(run, protocol=protocol))
  assert "K400" in said and "K600" in said


def test_vocabulary_is_the_commands_and_not_the_recipes():
  run = _recipe("mmv/vat_howto100m_audioset").get_config()
  run.method.partners["text"].view.vocabulary = "words.txt"
  run.method.partners["text"].view.words_sha256 = "0" * 64
  protocol = paper_results.result(test_view_size=224)["protocol"]
  protocol |= {"spatial_crops": 1, "test_short_side": 224}
  lines = _lines(run, protocol=protocol)
  assert lines and all("UCF101 linear" in line for line in lines)


def test_no_recipe_is_shorter_than_what_is_looked_for():
  steps = [
    recipes.load(path).get_config().steps
    for method in ("brave", "mmv")
    for path in make_readme.recipes(method)
  ]
  assert min(steps) == command.FEWEST_STEPS
