"""What the guards are compared with does the same work."""

import numpy as np

from benchmarks import plain_preparation
from data_prep.prepare_records import settings
from tfvssl.data.media import mp4
from tfvssl.runtime import storage


def test_preparation_without_guards_writes_the_same(tmp_path):
  width, height = plain_preparation.SIZE
  draw = np.random.default_rng(0)
  # Blocks: bare noise is all the encoder's.
  blocks = draw.integers(0, 256, [50, height // 8, width // 8, 3], np.uint8)
  sound = draw.integers(-9000, 9000, 96_000).astype(np.int16)
  path = storage.Path(tmp_path / "video.mp4")
  mp4.encode(blocks.repeat(8, 1).repeat(8, 2), 25, path, sound=sound)
  choices = settings.Settings(short_side=height, clip_seconds=1.0)
  guarded = plain_preparation.guarded(path, choices)
  plain = plain_preparation.plain(path, choices)
  assert [len(clip.frames) for clip in plain] == [25, 25]
  for clip, other in zip(guarded, plain, strict=True):
    assert clip.frames == other.frames
    np.testing.assert_array_equal(clip.waveform, other.waveform)
