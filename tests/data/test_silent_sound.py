"""Silent sound counts as none, unless it is asked for or nobody knows."""

import numpy as np
import pytest

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import one_pass
from tfvssl.data import starts
from tfvssl.data.records import reader
from tfvssl.evaluate.samples import splits

_SIGHT = views.RgbViewSpec(num_frames=2, image_size=16)
_SOUND = views.AudioViewSpec(seconds=0.1)
_OPTIONAL = views.WaveformViewSpec(seconds=0.04, temporal_jitter_s=0.0)
_LOUD, _SILENT, _NONE = range(3)


def _clip(number, kind):
  clip = grey_records.grey_clip(f"{number}.mp4", number % 2, [9, 99, number])
  if kind != _NONE:
    clip.waveform = np.resize(np.array([30, -30], np.int16), 5760)
    clip.waveform[0] = 31 if kind == _LOUD else 0
  return clip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  """Six clips: loud, silent, without sound, twice; with digests and without."""
  root = tmp_path_factory.mktemp("silent")
  for name, digests in (("new", True), ("old", False)):
    clips = [_clip(number, number % 3) for number in range(6)]
    folder = root / name
    record_fixture.write_records(folder, clips, num_shards=1, digests=digests)
  return root


def _opened(folder, sound=_SOUND, **options):
  return reader.open_for_views(folder, [_SIGHT, sound], **options)


def test_clips_of_silent_sound_are_left_out_where_sound_is_needed(folders):
  left_out = _opened(folders / "new", use_silent_sound=False)
  assert left_out.usable.tolist() == [True, False, False] * 2
  assert left_out.skipped == {"audio": 4, "rgb": 0}
  for name, used in (("new", True), ("old", True), ("old", False)):
    found = _opened(folders / name, use_silent_sound=used)
    assert found.usable.tolist() == [True, True, False] * 2
    assert not found.muted.any()


@pytest.mark.parametrize(
  ("used", "masks"), [(False, [1, 0, 0] * 2), (True, [1, 1, 0] * 2)]
)
def test_optional_sound_that_is_silent_is_masked(folders, used, masks):
  records = _opened(folders / "new", _OPTIONAL, use_silent_sound=used)
  assert records.absent == {"audio": masks.count(0)}

  def sample_views(clip, seed):
    start = starts.narrow_start(clip, _SIGHT, seed=seed)
    return {"a": clip_views.view(clip, _OPTIONAL, start, seed=seed, name="a")}

  batches = one_pass.dataset(
    records, sample_views, modalities=records.modalities, seed=0, batch_size=6
  )
  (batch,) = batches
  waveform = batch["a"].waveform
  assert batches.element_spec["a"].waveform.shape[1:] == waveform.shape[1:]
  assert batch["a"].mask.numpy().tolist() == masks
  heard = np.abs(waveform).max(axis=1) > 0
  assert heard.tolist() == [mask == 1 for mask in masks]


def test_silence_everywhere_names_the_setting(tmp_path):
  clips = [_clip(number, _SILENT) for number in range(2)]
  record_fixture.write_records(tmp_path, clips, num_shards=1, digests=True)
  for sound, message in (
    (_SOUND, "0 hold audio.*the sound of 2 is silent, see `data.use_silent_so"),
    (_OPTIONAL, "or set `data.use_silent_sound`, as the sound of 2 is silent"),
  ):
    with pytest.raises(ValueError, match=message):
      _opened(tmp_path, sound, use_silent_sound=False)


def test_evaluation_of_sound_leaves_silence_out(tmp_path):
  for side, first in (("train", 0), ("test", 10)):
    kinds = [_LOUD, _LOUD, _SILENT, _NONE]
    clips = [_clip(first + number, kind) for number, kind in enumerate(kinds)]
    record_fixture.write_records(
      tmp_path / side, clips, num_shards=1, digests=True
    )
  folders = [str(tmp_path / side) for side in ("train", "test")]
  for used, count in ((False, 2), (True, 3)):
    split = splits.open_split(
      "split 1",
      *folders,
      spec=_SOUND,
      use_silent_sound=used,
    )
    assert len(split.train_clips) == len(split.test_clips) == count
