"""The export as a server takes it: stated shapes, JPEG frames, versions."""

import base64
import json
import pathlib
import runpy
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from tests import exported_runs
from tests import source_tree
from tfvssl.data import crops
from tfvssl.data.media import ffmpeg
from tfvssl.embed import embedder as embedding
from tfvssl.export import description as export_format
from tfvssl.export import writer


@pytest.fixture(scope="module")
def model(folder):
  return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
  """Returns an mp4 of 1 s with moving colours, of the records' size."""
  path = tmp_path_factory.mktemp("video") / "clip.mp4"
  command = "-v error -f lavfi -i testsrc2=s=342x256:r=25:d=1 -crf 4"
  subprocess.run(
    [ffmpeg.path(), *command.split(), "-pix_fmt", "yuv444p", str(path)],
    check=True,
    stdin=subprocess.DEVNULL,
  )
  return path


def _session(folder, signature, output, value):
  """Runs a signature as TF Serving does: no shape is looked at before."""
  with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
    loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    entry = loaded.signature_def[signature]
    session._extend_graph()
    ((_, info),) = entry.inputs.items()
    feed, fetch = (
      graph.get_tensor_by_name(name)._as_tf_output()
      for name in (info.name, entry.outputs[output].name)
    )
    (found,) = session._call_tf_sessionrun(
      None, {feed: np.asarray(value)}, [fetch], [], None
    )
    return found


def _shapes(folder):
  with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    return {
      name: [
        None
        if info.tensor_shape.unknown_rank
        else [dim.size for dim in info.tensor_shape.dim]
        for info in entry.inputs.values()
      ]
      for name, entry in loaded.signature_def.items()
      if not name.startswith("__")
    }


def test_signatures_state_their_shapes(folder):
  clip = [-1, 4, 16, 16, 3]
  assert _shapes(folder) == {
    "serving_default": [clip],
    "video": [clip],
    "video_uint8": [clip],
    "frames_jpeg": [[-1, 4]],
    "audio": [[-1, -1]],  # with or without the extra samples
  }


@pytest.mark.parametrize(
  ("signature", "value", "message"),
  [
    ("video", np.zeros([4, 16, 16, 3], np.float32), "must have rank 5"),
    ("video", np.zeros([1, 2, 4, 16, 16, 3], np.float32), "must have rank 5"),
    ("video", np.zeros([1, 8, 8, 16, 3], np.float32), r"got \[1 8 8 16 3\]"),
    ("video", np.full([1, 4, 16, 16, 3], 2, np.float32), r"lie in \[0, 1\]"),
    ("video_uint8", np.zeros([1, 4, 16, 48, 1], np.uint8), "must have shape"),
    ("audio", np.zeros([2, 23_999], np.float32), r"got \[2 23999\]"),
  ],
)
def test_stated_shapes_remove_no_check(folder, signature, value, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    _session(folder, signature, "embedding", value)


def test_a_session_gives_the_golden_outputs(folder):
  request = export_format.golden_request("video", (4, 16, 16, 3))
  with np.load(folder / export_format.GOLDEN_NAME) as golden:
    np.testing.assert_allclose(
      _session(folder, "serving_default", "backbone", request),
      golden["video/backbone"],
      atol=1e-5,
    )


def test_bytes_that_numpy_casts_are_refused_by_the_default(model):
  default = model.signatures["serving_default"]
  clips = export_format.golden_request("video_uint8", (4, 16, 16, 3))
  with pytest.raises(
    tf.errors.InvalidArgumentError, match=r"\[0, 1\].* use .*`video_uint8`"
  ):
    default(video=clips)
  np.testing.assert_allclose(
    default(video=clips / 255)["embedding"],  # float64
    model.signatures["video_uint8"](video=clips)["embedding"],
    atol=1e-5,
  )


@pytest.mark.parametrize("training", [False, True])
def test_the_model_takes_training_and_is_not_changed_by_it(model, training):
  clips = export_format.golden_request("video_uint8", (4, 16, 16, 3))
  sound = export_format.golden_request("audio", (24_000,))
  for request in (clips, clips.astype(np.float32) / 255):
    expected = model.signatures["video_uint8"](video=clips)
    outputs = model(request, training=training)
    np.testing.assert_allclose(
      outputs["backbone"], expected["backbone"], atol=1e-5
    )
  with pytest.raises(tf.errors.InvalidArgumentError, match="must have rank 5"):
    model(sound, training=training)


def _pictures(height, width, count=4, quality=95):
  generator = np.random.default_rng(0)
  blocks = generator.integers(0, 256, [count, 4, 4, 3], np.uint8)
  rows = np.linspace(0, 3.9, height).astype(int)
  columns = np.linspace(0, 3.9, width).astype(int)
  pixels = blocks[:, rows][:, :, columns]
  return [tf.io.encode_jpeg(x, quality=quality).numpy() for x in pixels]


def test_pictures_of_the_records_size_give_what_the_evaluation_sees(
  folder, model
):
  pictures = _pictures(256, 320)
  found = model.signatures["frames_jpeg"](jpeg_bytes=tf.constant([pictures]))
  short_side = export_format.load_description(folder)["video"]["short_side"]
  (crop,) = crops.decode_crops(
    tf.constant(pictures), short_side=short_side, size=16, num_crops=1
  ).numpy()
  expected = model.signatures["video_uint8"](video=crop[np.newaxis])
  np.testing.assert_allclose(found["backbone"], expected["backbone"], atol=1e-5)


def test_larger_pictures_are_resized_to_those_of_the_records(model):
  answers = [
    model.signatures["frames_jpeg"](jpeg_bytes=tf.constant([_pictures(*size)]))[
      "backbone"
    ].numpy()
    for size in ((256, 320), (512, 640), (128, 160))
  ]
  scale = np.abs(answers[0]).max()
  for answer in answers[1:]:
    np.testing.assert_allclose(answer, answers[0], atol=0.05 * scale)


def _as_large_as(side, picture):
  """Returns a JPEG whose header claims a square of `side` pixels."""
  place = picture.index(b"\xff\xc0") + 5
  size = side.to_bytes(2, "big")
  return picture[:place] + size + size + picture[place + 4 :]


@pytest.mark.parametrize(
  ("pictures", "message"),
  [
    (lambda: [_pictures(32, 40)[0]] * 3, r"shape \[batch, 4\]; got \[1 3\]"),
    (lambda: [b"no JPEG"] * 4, "Invalid JPEG|JPEG"),
    (
      lambda: [*_pictures(32, 40)[:3], _pictures(32, 32)[0]],
      "must be equal in size|Shapes of all inputs must match",
    ),
    (
      lambda: [_as_large_as(8000, _pictures(32, 40)[0])] * 4,
      "an image must have at most",
    ),
  ],
)
def test_pictures_that_are_no_clip_are_refused(model, pictures, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    model.signatures["frames_jpeg"](jpeg_bytes=tf.constant([pictures()]))


def _decoded(body):
  """Returns the inputs of a request as TF Serving makes them of JSON."""
  return np.array(
    [
      [base64.b64decode(value["b64"], validate=True) for value in row]
      for row in body["inputs"]["jpeg_bytes"]
    ]
  )


def test_the_clients_request_is_answered_as_the_file_is_embedded(
  folder, model, video
):
  client = runpy.run_path(str(source_tree.ROOT / "docs" / "serving_client.py"))
  body = json.loads(json.dumps(client["request_body"](str(folder), str(video))))
  assert set(body) == {"signature_name", "inputs"}
  pictures = _decoded(body)
  assert pictures.shape == (1, 4)
  found = model.signatures[body["signature_name"]](
    jpeg_bytes=tf.constant(pictures)
  )["backbone"][0].numpy()
  row = embedding.Embedder(folder).embed_file(video)["video_backbone"][0]
  black = model(np.zeros([1, 4, 16, 16, 3], np.uint8))["backbone"][0].numpy()
  # JPEG loses a little.
  assert np.abs(found - row).max() < 0.02 * np.abs(black - row).max()


def test_the_newest_version_is_the_model(folder, tmp_path):
  flat = pathlib.Path(folder)
  assert export_format.version_folder(flat) == flat
  assert export_format.version_folder(flat.parent) == flat
  root = tmp_path / "EXPORT"
  for name in ("2", "10", "11", "notes"):
    (root / name).mkdir(parents=True)
    if name != "11":  # not an export
      (root / name / export_format.SIGNATURE_NAME).write_text("{}")
  assert export_format.version_folder(root).name == "10"
  assert export_format.identity(flat.parent) == export_format.identity(flat)
  assert export_format.load_description(flat.parent)["step"] == 7


def test_a_number_as_output_is_a_version(method, tmp_path):
  encoders = {"audio": method.encoders()["audio"]}
  for output in ("EXPORT", "EXPORT/2"):
    writer.export(
      encoders,
      tmp_path / output,
      experiment=exported_runs.brave_experiment(),
      step=7,
    )
  assert sorted(p.name for p in (tmp_path / "EXPORT").iterdir()) == ["1", "2"]
  for name in ("1", "2"):
    assert (tmp_path / "EXPORT" / name / "saved_model.pb").is_file()
