"""Real files become records of the rates of version 0.1.0, or of others."""

import hashlib
import json
import shutil

import pytest

from tests import forked_binaries
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import streams

_FILES = (
  "grid_talk/bin/bbbm3a.mp4",
  "grid_talk/lay/lwal4p.mp4",
  "awkward/vfr_with_audio/vfr_with_audio.mp4",
  "awkward/three_frames/video_0.mov",
)
# SHA-256 of what version 0.1.0 wrote of these files, with this ffmpeg.
_FFMPEG_OF_0_1 = "n9.0.2-17-g2a571b6068-20260930"
_RECORDS_OF_0_1 = {
  "clips-00000.tfrecord": (
    "b0405ee256f4970e02d2d6f63d0ed7b9310fc45e115ebad1330b510bdb218c99"
  ),
  "clips-00001.tfrecord": (
    "4967c3adfded12cf3f14aaf1d7ef2d549c8cb959316667cb732e705d4b19ba8d"
  ),
  "manifest.json": (
    "efd2db112ed55509f962af48494ab72643c1dbf892f0f2216a2e3b9647e2d518"
  ),
}
_CONFIG = """
from configs import tiny_brave


def get_config():
  experiment = tiny_brave.get_config()
  experiment.method.narrow.record_rate_hz = {rate_hz}
  kind = experiment.method.broad["audio"].view.spectrogram
  kind.sample_rate_hz = {sample_rate_hz}
  experiment.batch_size = 2
  experiment.steps = 2
  experiment.schedule.warmup_steps = 0
  experiment.logging.heldout_every = 0
  return experiment
"""


@pytest.fixture(scope="module", name="videos")
def _videos(data_dir, tmp_path_factory):
  """A folder with a label for each of the folders that the files are in."""
  folder = tmp_path_factory.mktemp("videos")
  for name, label in zip(_FILES, ("bin", "lay", "other", "other")):
    path = data_dir / name
    if not path.is_file():
      pytest.skip(f"no such file: {path}")
    (folder / label).mkdir(exist_ok=True)
    shutil.copyfile(path, folder / label / path.name)
  return folder


def _prepare(preparer, videos, output, *args):
  code = preparer.run(
    f"--input={videos}",
    f"--output={output}",
    "--short_side=96",
    "--num_workers=1",
    "--num_shards=2",
    *args,
  )
  assert code == 0, preparer.text()
  return output


def test_records_of_the_usual_rates_are_those_of_version_0_1(
  preparer, videos, tmp_path
):
  if streams.ffmpeg_version() != _FFMPEG_OF_0_1:
    pytest.skip(
      f"{ffmpeg.path()} is version {streams.ffmpeg_version()}; the digests"
      f" were written with {_FFMPEG_OF_0_1}"
    )
  output = _prepare(preparer, videos, tmp_path / "records")
  manifest = json.loads((output / "manifest.json").read_text())
  assert manifest["config"].pop("media_rules") == 2
  assert manifest.pop("empty_classes") == []
  assert [len(shard.pop("digests")) for shard in manifest["shards"]] == [2, 2]
  (output / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
  found = {
    name: hashlib.sha256((output / name).read_bytes()).hexdigest()
    for name in _RECORDS_OF_0_1
  }
  assert found == _RECORDS_OF_0_1


@pytest.mark.slow
def test_records_of_other_rates_are_learned_from_by_views_of_these_rates(
  preparer, videos, records_of, tmp_path
):
  output = _prepare(
    preparer,
    videos,
    tmp_path / "records",
    "--modalities=rgb,audio",
    "--frame_rate_hz=30",
    "--sample_rate_hz=24000",
  )
  assert "narrow.record_rate_hz=30" in preparer.text()
  assert "spectrogram.sample_rate_hz=24000" in preparer.text()
  frames = {}
  for record in records_of(output):
    context = record.context.feature
    lists = record.feature_lists.feature_list
    name = context["clip/id"].bytes_list.value[0].decode()
    frames[name] = len(lists["image/encoded"].feature)
    assert context["image/frame_rate_hz"].float_list.value == [30.0]
    if "WAVEFORM/sample_rate_hz" in context:
      assert context["WAVEFORM/sample_rate_hz"].int64_list.value == [24_000]
      (sound,) = lists["WAVEFORM/feature/pcm16"].feature
      length = len(sound.bytes_list.value[0]) // 2
      assert length == frames[name] * 800
  assert frames["bin/bbbm3a.mp4"] == 90  # 75 at 25 Hz

  inspected = forked_binaries.run(
    "data_prep.inspect_records", f"--records={output}"
  )
  assert inspected.returncode == 0, inspected.stderr
  assert "image/frame_rate_hz         30\n" in inspected.stdout
  assert "WAVEFORM/sample_rate_hz     24000\n" in inspected.stdout

  runs = {}
  for rate_hz, sample_rate_hz in (
    (30.0, 24_000),
    (25.0, 24_000),
    (30.0, 48_000),
  ):
    name = f"{rate_hz:g}_{sample_rate_hz}"
    recipe = tmp_path / f"recipe_{name}.py"
    recipe.write_text(
      _CONFIG.format(rate_hz=rate_hz, sample_rate_hz=sample_rate_hz)
    )
    runs[name] = forked_binaries.run(
      "tfvssl.train",
      f"--config={recipe}",
      f"--workdir={tmp_path / name}",
      f"--config.data.train_records={output}",
    )
  done = runs["30_24000"]
  assert done.returncode == 0, done.stderr
  lines = (tmp_path / "30_24000" / "metrics.jsonl").read_text().splitlines()
  assert json.loads(lines[-1])["step"] == 2
  for name, message in (
    ("25_24000", "`image/frame_rate_hz` 30 but the config asks for 25;"),
    (
      "30_48000",
      "`WAVEFORM/sample_rate_hz` 24000 but the config asks for 48000",
    ),
  ):
    assert runs[name].returncode == 3
    (line,) = [
      line for line in runs[name].stderr.splitlines() if message in line
    ]
    assert "change the config or prepare the records again" in line
    assert "Traceback" not in runs[name].stderr
