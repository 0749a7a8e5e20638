"""The binary: a run's network of images, trained, and taken by the others."""

import json
import os
import shutil
import signal
import time

import numpy as np
import pytest

from tests import forked_binaries
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl.config import protocols
from tfvssl.deflate import networks
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

_TINY = ("--epochs=3", "--batch_size=4", "--short_side=16")


def _run(module, *flags):
  return forked_binaries.run(f"tfvssl.{module}", *flags)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
  """A run of step 3, and records of pictures."""
  root = tmp_path_factory.mktemp("deflate")
  workdir = root / "RUN"
  workdir.mkdir()
  experiment = tiny_runs.experiment(
    pascal=protocols.Pascal(
      epochs=2, learning_rates=(0.1,), batch_size=4, test_short_side=18
    ),
    imagenet=protocols.ImageNet(
      epochs=2,
      learning_rates=(0.01, 0.1),
      batch_size=4,
      test_short_side=18,
      validation_share=0.25,
    ),
  )
  run_folder.write_config(experiment, workdir)
  method = weights.fresh_method(experiment, 8)
  checkpoint_store.CheckpointStore(workdir, {"method": method}, kept=1).save(3)
  for folder, first in (("train", 0), ("test", 20)):
    record_fixture.write_records(
      root / folder,
      [
        record_fixture.make_clip(seed, num_frames=1)
        for seed in range(first, first + 8)
      ],
    )
  return root


@pytest.fixture(scope="module")
def deflated(root):
  """What the binary said."""
  return _run(
    "deflate", f"--workdir={root / 'RUN'}", f"--records={root}/train", *_TINY
  )


@pytest.mark.slow
def test_scales_and_offsets_are_trained(root, deflated):
  assert deflated.returncode == 0, deflated.stderr[-3000:]
  first, last = deflated.stdout.splitlines()[-2:]
  assert first.startswith("mean L1 to the video network: ")
  assert last.startswith("next: python -m tfvssl.export --workdir=")
  choices = networks.choices_of(root / "RUN")
  assert len(choices["mean_l1"]) == 3
  assert choices["mean_l1"][2] < choices["mean_l1"][0]
  assert (choices["pictures"], choices["settings"]["num_frames"]) == (8, 4)
  _, method, _ = weights.load_method(root / "RUN")
  naive, trained = (
    networks.encoder(method.encoders()["video"], image, root / "RUN").backbone
    for image in (networks.Image.NAIVE, networks.Image.TRAINED)
  )
  for one, two in zip(naive.variables, trained.variables, strict=True):
    changed = not np.array_equal(one, two)
    assert changed == ("gamma" in one.name or "beta" in one.name), one.name


def test_nothing_is_overwritten(root, deflated):
  assert deflated.returncode == 0
  flags = f"--workdir={root / 'RUN'}", f"--records={root}/train"
  again = _run("deflate", *flags)
  assert again.returncode == 2
  assert again.stderr.splitlines()[-1] == (
    f"error: {root}/RUN/deflated exists; remove it to deflate the run again."
  )


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["left over"], "'left over' is not a flag; see --helpfull."),
    ([], "--workdir and --records are needed; for example --workdir=RUN"),
  ],
)
def test_missing_flags_are_one_line(flags, message):
  process = _run("deflate", *flags)
  assert process.returncode == 2
  assert message in process.stderr.splitlines()[-1]


@pytest.mark.parametrize(
  ("flag", "message"),
  [
    (
      "--short_side=8",
      "--short_side=8 must be at least the view's `image_size` (16).",
    ),
    (
      "--batch_size=9",
      "/train holds 8 pictures, a batch 9; give more, or --batch_size=8.",
    ),
  ],
)
def test_pictures_must_fit(root, tmp_path, flag, message):
  ignored = shutil.ignore_patterns("deflated", "results")
  shutil.copytree(root / "RUN", tmp_path / "RUN", ignore=ignored)
  process = _run(
    "deflate", f"--workdir={tmp_path}/RUN", f"--records={root}/train", flag
  )
  assert process.returncode == 2
  assert process.stderr.splitlines()[-1].endswith(message)


def test_folder_without_a_run_is_named(tmp_path):
  process = _run("deflate", f"--workdir={tmp_path}", "--records=x")
  assert process.returncode == 3
  assert process.stderr.splitlines()[-1] == (
    f"error: {tmp_path} holds no run; give the --workdir of tfvssl.train."
  )


@pytest.mark.slow
@pytest.mark.parametrize("image", ["naive", "repeated"])
def test_one_class_an_image(root, image):
  process = _run(
    "evaluate",
    f"--workdir={root / 'RUN'}",
    "--protocol=imagenet",
    f"--image={image}",
    f"--train_records={root}/train",
    f"--test_records={root}/test",
    f"--name=imagenet_{image}",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  path = root / "RUN" / "results" / f"imagenet_{image}.json"
  result = json.loads(path.read_text())
  told = result["protocol"]
  assert (told["image"], told["random_network_image"]) == (image, image)
  assert [
    trial["learning_rate"] for trial in result["pretrained"]["sweep"]
  ] == [
    0.01,
    0.1,
  ]
  assert 0 <= result["pretrained"]["mean"]["top_1"] <= 1
  assert "linear layer on images" in process.stdout


@pytest.mark.slow
def test_trained_deflation_is_evaluated_and_exported(root, deflated):
  assert deflated.returncode == 0
  process = _run(
    "evaluate",
    f"--workdir={root / 'RUN'}",
    "--protocol=pascal",
    "--image=trained",
    f"--train_records={root}/train",
    f"--test_records={root}/test",
    "--name=pascal",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  path = root / "RUN" / "results" / "pascal.json"
  result = json.loads(path.read_text())
  assert result["protocol"]["image"] == "trained"
  assert result["protocol"]["random_network_image"] == "naive"
  assert result["protocol"]["deflation"]["settings"]["epochs"] == 3
  assert 0 <= result["pretrained"]["mean"]["mean_average_precision"] <= 1
  assert result["random_initialisation"]["runs"][0]["seed"] == 0
  process = _run(
    "export",
    f"--workdir={root / 'RUN'}",
    f"--output={root / 'EXPORT'}",
    "--image=trained",
  )
  assert process.returncode == 0, process.stderr[-3000:]


@pytest.mark.slow
def test_deflation_that_is_stopped_goes_on_to_the_same_network(root, tmp_path):
  shutil.copytree(
    root / "RUN", tmp_path / "straight", ignore=lambda *_: ["deflated"]
  )
  shutil.copytree(tmp_path / "straight", tmp_path / "stopped")

  def words(name):
    flags = ["--epochs=300", "--batch_size=2", "--short_side=16"]
    return [f"--workdir={tmp_path / name}", f"--records={root}/train", *flags]

  straight = _run("deflate", *words("straight"))
  assert straight.returncode == 0, straight.stderr[-3000:]
  process = forked_binaries.start("tfvssl.deflate", *words("stopped"))
  deadline = time.monotonic() + 120
  while not list((tmp_path / "stopped").glob("unfinished_deflation/*/*/step*")):
    assert time.monotonic() < deadline
    time.sleep(0.005)
  os.kill(process.pid, signal.SIGTERM)
  stopped = process.finish()
  assert stopped.returncode == 42, stopped.stderr[-3000:]
  assert "deflation: told to stop at step" in stopped.stderr.splitlines()[-1]
  assert not (tmp_path / "stopped" / "deflated").exists()
  again = _run("deflate", *words("stopped"))
  assert again.returncode == 0, again.stderr[-3000:]
  assert not (tmp_path / "stopped" / "unfinished_deflation").exists()
  one, two = (
    networks.choices_of(tmp_path / name) for name in ("straight", "stopped")
  )
  assert one == two
