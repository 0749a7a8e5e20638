"""The exported folder: how it appears, and what says that it is whole."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests import exported_runs
from tests import forked_binaries
from tests import tiny_runs
from tfvssl.export import description as export_format
from tfvssl.export import writer
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

_LOAD = """
import json, sys
sys.modules["tfvssl"] = None  # an import of it fails
import numpy as np, tensorflow as tf, tensorflow_hub as hub
folder = sys.argv[1]
description = json.load(open(folder + "/signature.json"))
golden = np.load(folder + "/golden.npz")
request = np.load(sys.argv[2])
for model in (tf.saved_model.load(folder), hub.load(folder)):
  for outputs in (
      model(request),
      model.signatures["serving_default"](
          video=tf.constant(request / np.float32(255))),
      model.signatures["video_uint8"](video=tf.constant(request)),
  ):
    for name, value in outputs.items():
      expected = golden["video_uint8/" + name]
      np.testing.assert_allclose(
          value, expected, rtol=0, atol=1e-5 * max(1, abs(expected).max()))
layer = hub.KerasLayer(model)
assert layer(tf.constant(request))["embedding"].shape == (2, 8)
print("loaded without tfvssl")
"""


def test_loads_and_answers_without_this_package(folder, tmp_path):
  np.save(
    tmp_path / "request.npy",
    export_format.golden_request("video_uint8", (4, 16, 16, 3)),
  )
  result = subprocess.run(
    [sys.executable, "-c", _LOAD, str(folder), str(tmp_path / "request.npy")],
    cwd=tmp_path,
    capture_output=True,
    text=True,
    timeout=300,
    env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
  )
  assert result.stdout.strip().endswith("loaded without tfvssl"), result.stderr


def test_description_says_how_to_ask(folder):
  description = export_format.load_description(folder)
  assert description["step"] == 7
  assert description["serving_default"] == "video"
  assert description["max_batch_size"] == exported_runs.MAX_BATCH_SIZE
  video = description["signatures"]["video"]
  assert video["shape"] == [4, 16, 16, 3]
  assert video["outputs"]["embedding"] == 8
  assert description["video"]["frame_rate_hz"] == 12.5
  assert description["video"]["seconds"] == pytest.approx(8 / 25)
  assert description["audio"] == {
    "sample_rate_hz": 48_000,
    "num_samples": 24_000,
    "extra_samples": 960,
    "seconds": 0.5,
  }
  assert list(description["signatures"]) == [
    *("video", "video_uint8", "frames_jpeg", "audio")
  ]
  assert description["signatures"]["frames_jpeg"]["shape"] == [4]
  assert not {"text", "image"} & set(description)
  card = (folder / "README.md").read_text()
  assert "| `video_uint8` | `video` | uint8 | [batch, 4, 16, 16, 3] |" in card
  assert "| `frames_jpeg` | `jpeg_bytes` | string | [batch, 4] | JPEG |" in card
  assert "| [batch, 24000 or 24960] | -1 to 1 |" in card
  assert "reach 960 samples further" in card


def test_export_holds_no_absolute_path(folder):
  secrets = {str(folder.parent), os.getcwd(), str(pathlib.Path.home())} - {"/"}
  for path in folder.rglob("*"):
    if path.is_file():
      content = path.read_bytes()
      for secret in secrets:
        assert secret.encode() not in content, f"{secret} in {path.name}"


def test_export_leaves_nothing_beside_it(folder):
  assert [path.name for path in folder.parent.iterdir()] == ["1"]
  assert [path.name for path in folder.parent.parent.iterdir()] == ["model"]


def _break(folder, target, tmp_path):
  copy = tmp_path / "copy"
  copy.mkdir()
  for path in folder.rglob("*"):
    if path.is_file():
      (copy / path.relative_to(folder)).parent.mkdir(exist_ok=True)
      (copy / path.relative_to(folder)).write_bytes(path.read_bytes())
  return copy, copy / target


def test_changed_file_is_found_before_loading(folder, tmp_path):
  copy, target = _break(folder, "saved_model.pb", tmp_path)
  content = bytearray(target.read_bytes())
  content[len(content) // 2] ^= 1
  target.write_bytes(content)
  with pytest.raises(ValueError, match="saved_model.pb is not the file that"):
    export_format.load_description(copy)
  target.unlink()
  with pytest.raises(ValueError, match="lacks the file 'saved_model.pb'"):
    export_format.load_description(copy)


def test_other_folders_are_no_export(folder, tmp_path):
  with pytest.raises(FileNotFoundError, match="make an export with tfvssl"):
    export_format.load_description(tmp_path)
  path = tmp_path / "signature.json"
  path.write_text("{")
  with pytest.raises(ValueError, match="cannot be read"):
    export_format.load_description(tmp_path)
  path.write_text(
    json.dumps({"format": "other", "format_version": 9, "files": {}})
  )
  with pytest.raises(ValueError, match="has format other 9; this program"):
    export_format.load_description(tmp_path)
  path.write_text(
    json.dumps(
      {
        "format": "tfvssl-export",
        "format_version": 2,
        "files": {"../../etc/passwd": "0"},
      }
    )
  )
  with pytest.raises(ValueError, match="lacks the file '../../etc/passwd'"):
    export_format.load_description(tmp_path)


def test_existing_output_is_not_overwritten(method, tmp_path):
  (tmp_path / "notes.txt").write_text("mine")
  with pytest.raises(ValueError, match="exists and is not empty"):
    writer.export(
      method.encoders(), tmp_path, experiment=tiny_runs.experiment(), step=0
    )
  assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_network_that_gives_nan_is_not_exported(tmp_path):
  broken = weights.fresh_method(tiny_runs.experiment(), 0)
  for variable in broken.projector.trainable_variables:
    variable.assign(variable * np.nan)
  with pytest.raises(ValueError, match="differs from the run in .* by nan"):
    writer.export(
      broken.encoders(),
      tmp_path / "model",
      experiment=tiny_runs.experiment(),
      step=0,
    )
  assert not list(tmp_path.iterdir())


def _export(*flags):
  return forked_binaries.run("tfvssl.export", *flags)


def test_binary_exports_a_run(method, tmp_path):
  workdir = tmp_path / "RUN"
  workdir.mkdir()
  run_folder.write_config(tiny_runs.experiment(), workdir)
  checkpoint_store.CheckpointStore(workdir, {"method": method}, kept=1).save(5)
  output = tmp_path / "EXPORT"
  process = _export(
    f"--workdir={workdir}", f"--output={output}", "--image=repeated"
  )
  assert process.returncode == 0, process.stderr[-3000:]
  assert "next: python -m tfvssl.embed" in process.stdout.splitlines()[-1]
  description = export_format.load_description(output)
  assert description["step"] == 5
  assert description["image"] == {"network": "repeated"}
  assert description["signatures"]["image"]["shape"] == [16, 16, 3]


@pytest.mark.parametrize(
  ("flags", "code", "message"),
  [
    (["left over"], 2, "'left over' is not a flag; see --helpfull."),
    (["--workdir=RUN"], 2, "--workdir and --output are needed; for example"),
    (["--workdir={0}", "--output={0}"], 2, "exists and is not empty; choose"),
    (["--workdir={0}", "--output={0}/new"], 3, "config.json does not exist"),
    (["--workdir={0}/RUN", "--output={0}/new"], 3, "RUN/config.json"),
  ],
)
def test_mistakes_end_in_one_line(tmp_path, flags, code, message):
  (tmp_path / "RUN").mkdir()
  (tmp_path / "RUN" / run_folder.CONFIG_NAME).write_text("{")
  process = _export(*[flag.format(tmp_path) for flag in flags])
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert process.returncode == code
