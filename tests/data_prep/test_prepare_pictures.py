"""--images: pictures become clips of one frame; without it nothing changes."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.data.records import check
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import reader


def _pixels(phase: float) -> np.ndarray:
  y, x = np.mgrid[0:40, 0:60]
  return np.stack([4 * x, 6 * y, 127 + 100 * np.sin(x / 9 + phase)], -1).astype(
    np.uint8
  )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, make_clip):
  root = tmp_path_factory.mktemp("pictures")
  for i, name in enumerate(("cat/a.jpg", "cat/b.png", "dog/c.JPEG")):
    (root / name).parent.mkdir(exist_ok=True)
    encode = tf.io.encode_png if name.endswith("png") else tf.io.encode_jpeg
    (root / name).write_bytes(encode(_pixels(i)).numpy())
  make_clip(root / "cow" / "d.mp4")
  content = (root / "cat" / "a.jpg").read_bytes()
  (root / "dog" / "cut.jpg").write_bytes(content[: len(content) // 2])
  (root / "dog" / "text.jpg").write_text("no picture")
  return root


def _prepare(preparer, pictures, output, *args):
  code = preparer.run(
    f"--input={pictures}",
    f"--output={output}",
    "--modalities=rgb",
    "--short_side=40",
    "--max_quarantined_share=0.9",
    *args,
  )
  assert code == 0, preparer.text()
  return json.loads((output / "report.json").read_text())


def test_pictures_are_clips_of_one_frame(
  pictures, preparer, tmp_path, records_of
):
  output = tmp_path / "out"
  report = _prepare(preparer, pictures, output, "--images")
  assert (report["input_count"], report["clip_count"]) == (6, 4)
  assert report["reasons"]["not_media"] == 1
  assert sum(report["reasons"].values()) == 2
  manifest = manifest_lib.load_manifest(output)
  assert manifest.classes == ["cat", "cow", "dog"]
  assert manifest.config["images"] is True
  assert check.verify(output) == []
  seen = {}
  for record in records_of(output):
    context = record.context.feature
    frames = record.feature_lists.feature_list["image/encoded"].feature
    seen[context["clip/path"].bytes_list.value[0].decode()] = (
      [step.bytes_list.value[0] for step in frames],
      context["clip/label/index"].int64_list.value[0],
      context["clip/duration_s"].float_list.value[0],
    )
  assert len(seen.pop("cow/d.mp4")[0]) == 25
  for i, (name, label) in enumerate(
    (("cat/a.jpg", 0), ("cat/b.png", 0), ("dog/c.JPEG", 2))
  ):
    frames, found, duration_s = seen.pop(name)
    assert (len(frames), found, pytest.approx(duration_s)) == (1, label, 0.04)
    shown = tf.io.decode_jpeg(frames[0]).numpy().astype(int)
    assert np.abs(shown - _pixels(i)).mean() < 3
  assert not seen
  opened = reader.open_records(output, {views.Modality.RGB})
  assert opened.usable_count == 4


def test_without_the_flag_pictures_are_no_media(pictures, preparer, tmp_path):
  report = _prepare(preparer, pictures, tmp_path / "out")
  assert (report["clip_count"], report["reasons"]) == (1, {"not_media": 5})
  manifest = manifest_lib.load_manifest(tmp_path / "out")
  assert manifest.classes == ["cow"]
  assert "images" not in manifest.config


def test_flow_of_a_picture_is_no_motion(pictures, preparer, tmp_path):
  report = _prepare(
    preparer,
    pictures / "cat",
    tmp_path / "out",
    "--images",
    "--modalities=flow,rgb,audio",
    "--flow_short_side=16",
  )
  assert report["clips_per_modalities"] == {"flow+rgb": 2}
  assert check.verify(tmp_path / "out") == []
