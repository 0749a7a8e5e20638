"""Embeddings of files: alignment of sight and sound, skipped files."""

import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_runs
from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import streams
from tfvssl.embed import embedder as embedding
from tfvssl.export import description as export_format
from tfvssl.export import writer
from tfvssl.methods import base


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  """An export whose features are mean colours and mean mel magnitudes."""
  folder = tmp_path_factory.mktemp("export") / "model"
  mean = tf.keras.Sequential([tf.keras.layers.GlobalAveragePooling1D()])
  sound = views.AudioViewSpec(seconds=0.5, spectrogram=tiny_runs.SOUND)
  encoders = {
    "video": grey_records.mean_colour_encoder(grey_records.plain_spec()),
    "audio": base.Encoder(sound, mean, []),
  }
  experiment = tiny_runs.experiment()
  experiment.svm.test_short_side = 16
  writer.export(encoders, folder, experiment=experiment, step=0)
  return folder


def _ffmpeg(*arguments):
  subprocess.run(
    [ffmpeg.path(), "-v", "error", "-y", *map(str, arguments)],
    check=True,
    stdin=subprocess.DEVNULL,
  )


def _write_switch(path, seconds, switch_s):
  """Writes a file that turns from dark and silent to bright and loud."""
  _ffmpeg(
    "-f",
    "lavfi",
    "-i",
    f"color=black:s=48x32:r=25:d={seconds},"
    f"drawbox=color=white:t=fill:enable='gte(t,{switch_s})'",
    "-f",
    "lavfi",
    "-i",
    f"sine=frequency=1000:sample_rate=48000:d={seconds},"
    f"volume=volume='gte(t,{switch_s})':eval=frame",
    "-c:v",
    "libx264",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "pcm_s16le",
    path,
  )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("media")
  (root / "deep").mkdir()
  _write_switch(root / "deep" / "switch.mkv", 6, 3)
  _ffmpeg("-i", root / "deep" / "switch.mkv", "-vn", root / "sound.wav")
  _ffmpeg(
    "-i",
    root / "deep" / "switch.mkv",
    "-an",
    "-c",
    "copy",
    root / "silent.mkv",
  )
  (root / "silent.mkv").rename(root / "silent")  # of no suffix
  (root / "broken.mp4").write_bytes(b"no video at all" * 20)
  (root / "notes.txt").write_text("not media")
  outside = tmp_path_factory.mktemp("outside") / "sound.wav"
  shutil.copyfile(root / "sound.wav", outside)
  (root / "link.mkv").symlink_to(outside)
  return root


@pytest.fixture(scope="module")
def table(model, folder):
  embedder = embedding.Embedder(model, hop_s=0.25)
  files = streams.list_files(folder)
  return embedding.embed_files(embedder, files, folder)


def _rows(table, path):
  rows = table["path"] == path
  return {name: column[rows] for name, column in table.items()}


def test_sight_and_sound_switch_in_the_same_row(table):
  rows = _rows(table[0], "deep/switch.mkv")
  start_s = rows["start_s"]
  # Whole video windows of 4 frames, 2 apart: 0.28 s of the file's 6 s.
  np.testing.assert_allclose(start_s, 0.25 * np.arange(23))
  brightness = rows["video_backbone"][:, 0]
  loudness = rows["audio_backbone"].mean(axis=1)
  for value, window_s in ((brightness, 0.28), (loudness, 0.5)):
    low, high = value[0], value[np.argmin(np.abs(start_s - 4))]
    before = start_s + window_s <= 3 - 0.03
    np.testing.assert_allclose(value[before], low, atol=0.05)
    after = (start_s >= 3 + 0.03) & (start_s + window_s <= 6 - 0.03)
    np.testing.assert_allclose(value[after], high, rtol=0.05)
    assert high > low + 0.5
  assert rows["has_video"].all()
  assert rows["has_audio"].all()
  np.testing.assert_allclose(rows["audio_s"][:20], 0.5)
  np.testing.assert_allclose(rows["audio_s"][-1], 0.5, atol=1e-6)


def test_first_folder_is_the_label(table, model, folder):
  rows = dict(zip(table[0]["path"], table[0]["label"], strict=True))
  assert rows == {"deep/switch.mkv": "deep", "silent": "", "sound.wav": ""}
  embedder = embedding.Embedder(model)
  flat, _ = embedding.embed_files(embedder, [folder / "sound.wav"], folder)
  assert "label" not in flat  # no file has one


def test_what_a_file_lacks_is_masked_and_zero(table):
  sound = _rows(table[0], "sound.wav")
  np.testing.assert_allclose(sound["start_s"], 0.25 * np.arange(23))
  assert not sound["has_video"].any()
  assert not sound["video_backbone"].any()
  assert sound["has_audio"].all()
  silent = _rows(table[0], "silent")
  assert silent["has_video"].all()
  assert not silent["has_audio"].any()
  assert not silent["audio_backbone"].any()
  assert not silent["audio_s"].any()
  both = _rows(table[0], "deep/switch.mkv")
  np.testing.assert_allclose(
    silent["video_backbone"], both["video_backbone"], atol=1e-6
  )
  np.testing.assert_allclose(
    sound["audio_backbone"], both["audio_backbone"], atol=1e-4
  )


def test_unreadable_files_are_named_with_their_reason(table):
  assert [(item.path, item.reason) for item in table[1]] == [
    ("broken.mp4", "unreadable"),
    ("link.mkv", "outside_input"),
    ("notes.txt", "not_media"),
  ]


def test_no_value_is_nan(table):
  for name, column in table[0].items():
    if column.dtype.kind == "f":
      assert np.isfinite(column).all(), name


def test_saved_table_needs_no_pickle(table, tmp_path):
  path = tmp_path / "new" / "embeddings.npz"
  rows, skipped = table
  embedding.save(path, {**rows, **embedding.skipped_columns(skipped)})
  with np.load(path, allow_pickle=False) as saved:
    assert saved["skipped_path"].tolist() == [item.path for item in skipped]
    assert saved["skipped_reason"][0] == "unreadable"
    for name, column in table[0].items():
      np.testing.assert_array_equal(saved[name], column)
  assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_folder_is_found_from_where_the_table_is(folder, tmp_path):
  output = tmp_path / "tables" / "embeddings.npz"
  for root in (folder, folder / "sound.wav"):
    relative = embedding.relative_folder(root, output)
    assert not os.path.isabs(relative)
    assert (output.parent / relative).resolve() == folder.resolve()


def test_names_that_are_no_text_are_escaped():
  assert embedding.printable(os.fsdecode(b"a/\xff.mp4")) == "a/\\xff.mp4"


def test_silent_sound_counts_as_none(model, tmp_path):
  sight, hush = tmp_path / "sight.mkv", tmp_path / "hush.wav"
  _write_switch(sight, 1, 2)  # never loud
  _ffmpeg("-i", sight, "-vn", hush)
  embedder = embedding.Embedder(model)
  assert embedder.use_silent_sound is False
  rows = embedder.embed_file(sight)
  assert rows["has_video"].all()
  assert not rows["has_audio"].any()
  assert not rows["audio_embedding"].any()
  with pytest.raises(streams.MediaError, match="silent: its sound is silent"):
    embedder.embed_file(hush)
  embedder.use_silent_sound = True
  assert embedder.embed_file(sight)["has_audio"].all()
  assert embedder.embed_file(hush)["has_audio"].all()


def test_default_hop_is_one_window(model):
  assert embedding.Embedder(model).hop_s == pytest.approx(0.32)
  audio = embedding.Embedder(model, modalities=("audio",))
  assert audio.hop_s == 0.5
  assert audio.video is None


def test_silent_video_is_skipped_where_sound_is_asked_for(model, folder):
  audio = embedding.Embedder(model, modalities=("audio",))
  with pytest.raises(streams.MediaError, match="no_stream: no audio in it"):
    audio.embed_file(folder / "silent")


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"hop_s": 0.0}, r"`hop_s` \(0.0\) must be above 0"),
    ({"batch_size": 0}, r"`batch_size` \(0\) must be at least 1"),
    ({"modalities": ("text",)}, "serves none of text; its signatures: video"),
  ],
)
def test_impossible_requests_are_refused(model, changes, message):
  with pytest.raises(ValueError, match=message):
    embedding.Embedder(model, **changes)


def _embed(*flags):
  return forked_binaries.run("tfvssl.embed", *flags)


def test_binary_writes_the_table(model, folder, tmp_path):
  output = tmp_path / "embeddings.npz"
  process = _embed(
    f"--model={model}",
    f"--input={folder}",
    f"--output={output}",
    "--hop_s=1",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  assert "skipped broken.mp4: unreadable" in process.stderr
  assert "3 files, 2 skipped, 1 not media files" in process.stdout
  with np.load(output, allow_pickle=False) as saved:
    assert saved["model"] == export_format.identity(model)
    assert (tmp_path / str(saved["root"])).resolve() == folder.resolve()
    assert saved["start_s"][saved["path"] == "deep/switch.mkv"].tolist() == [
      0,
      1,
      2,
      3,
      4,
      5,
    ]


@pytest.mark.parametrize(
  ("number", "code"),
  [
    (signal.SIGTERM, 42),
    pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.slow),
  ],
)
def test_embedding_that_is_stopped_goes_on_to_the_same_bytes(
  number, code, model, folder, table, tmp_path
):
  # What is kept lies among the files, and is none of them.
  root = shutil.copytree(folder, tmp_path / "media", symlinks=True)
  output = root / "embeddings.npz"
  flags = [f"--model={model}", f"--input={root}", f"--output={output}"]
  flags.append("--hop_s=0.25")
  process = forked_binaries.start("tfvssl.embed", *flags)
  unfinished = root / ".embeddings.npz.unfinished"
  deadline = time.monotonic() + 120
  while not any(path.stat().st_size for path in unfinished.glob("*.rows")):
    assert time.monotonic() < deadline
    time.sleep(0.002)
  os.kill(process.pid, number)
  assert process.finish().returncode == code
  assert not output.exists()
  again = _embed(*flags)
  assert again.returncode == 0, again.stderr[-3000:]
  assert "rows were embedded before; going on" in again.stderr
  assert {path.name for path in root.iterdir()} == {
    output.name,
    *(path.name for path in folder.iterdir()),
  }
  rows, skipped = table
  about = {
    "model": np.array(export_format.identity(model)),
    "root": np.array("."),
  }
  straight = tmp_path / "straight.npz"
  embedding.save(
    straight, {**rows, **embedding.skipped_columns(skipped), **about}
  )
  assert output.read_bytes() == straight.read_bytes()


def test_more_skipped_than_allowed_is_exit_4(model, folder, tmp_path):
  process = _embed(
    f"--model={model}",
    f"--input={folder}",
    "--max_skipped=0.1",
    f"--output={tmp_path / 'embeddings.npz'}",
    "--hop_s=5",
  )
  assert process.returncode == 4
  assert (tmp_path / "embeddings.npz").is_file()


def test_folder_of_broken_files_is_one_line(model, folder, tmp_path):
  broken = tmp_path / "broken.mp4"
  broken.write_bytes((folder / "broken.mp4").read_bytes())
  process = _embed(
    f"--model={model}",
    f"--input={broken}",
    f"--output={tmp_path / 'embeddings.npz'}",
  )
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: none of the 1 files")
  assert "broken.mp4: unreadable" in last
  assert process.returncode == 3
  assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]


@pytest.mark.parametrize(
  ("flags", "code", "message"),
  [
    (["--model=a"], 2, "--model, --output and --input or --sentences are"),
    (["--model=a", "--output=b"], 2, "=None: exactly one of the two is needed"),
    (
      ["--model=a", "--output=b.npz", "--input=c", "--sentences=d"],
      2,
      "--input=c and --sentences=d: exactly one",
    ),
    (["--model=a", "--output=b.npz", "--sentences=c"], 3, "=c is not a file"),
    (["--model=a", "--input=b", "--output=c"], 2, "must end in .npz"),
    (["--model=a", "--input=b", "--output=c.npz"], 3, "--input=b does not"),
    (["x"], 2, "'x' is not a flag"),
  ],
)
def test_mistakes_end_in_one_line(flags, code, message):
  process = _embed(*flags)
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert process.returncode == code


def test_folder_without_media_is_named(tmp_path):
  (tmp_path / "notes.txt").write_text("not media")
  process = _embed("--model=a", f"--input={tmp_path}", "--output=c.npz")
  assert "holds no video or audio file" in process.stderr
  assert process.returncode == 3


def test_hop_must_be_above_zero(folder):
  process = _embed(
    "--model=a", f"--input={folder}", "--output=c.npz", "--hop_s=-1"
  )
  assert "--hop_s=-1.0 must be above 0" in process.stderr
  assert process.returncode == 2


def test_damaged_export_is_named(folder, tmp_path):
  (tmp_path / "signature.json").write_text("{")
  process = _embed(f"--model={tmp_path}", f"--input={folder}", "--output=c.npz")
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith(f"error: {tmp_path}/signature.json cannot be read")
  assert process.returncode == 3
