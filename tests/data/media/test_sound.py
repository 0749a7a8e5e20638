"""Sound stays at its time through changes of channels and rate, and gaps."""

import subprocess

import numpy as np
import pytest

from tests.data.media import films
from tfvssl.data.media import header
from tfvssl.data.media import streams


def _joined(path, codec, suffix, parts):
  """Writes a film of 6 s whose sound is of three parts, (channels, rate)."""
  content = b""
  for number, (channels, rate) in enumerate(parts):
    part = path.with_name(f"part{number}.{suffix}")
    films.make(
      part,
      "-c:a",
      codec,
      seconds=2,
      first=2 * number,
      channels=channels,
      rate=rate,
      pictures=False,
    )
    content += part.read_bytes()
  sound = path.with_name(f"joined.{suffix}")
  sound.write_bytes(content)
  films.run(
    "-f",
    "lavfi",
    "-i",
    "color=size=32x32:rate=25:duration=6",
    "-i",
    sound,
    *films.H264,
    "-c:a",
    "copy",
    path,
  )
  return path


def _heard(path, **span):
  remarks = []
  info = header.probe(path)
  sound = streams.stream_audio(path, info, remarks=remarks, **span)
  return np.concatenate(list(sound)), remarks


_STEREO, _MONO, _SLOW = (2, 48_000), (1, 48_000), (2, 44_100)


@pytest.mark.parametrize(
  ("codec", "suffix", "container", "other"),
  [
    ("aac", "aac", "ts", _MONO),
    ("mp2", "mp2", "ts", _SLOW),
    ("mp2", "mp2", "mkv", _MONO),
    ("ac3", "ac3", "mp4", _MONO),
  ],
)
def test_change_of_format_moves_nothing(
  tmp_path, codec, suffix, container, other
):
  path = tmp_path / f"film.{container}"
  _joined(path, codec, suffix, (_STEREO, other, _STEREO))
  sound, remarks = _heard(path)
  assert len(sound) / 48_000 == pytest.approx(6.0, abs=0.1)
  assert films.tones(sound) == [200, 300, 400, 500, 600, 700]
  assert len(remarks) == 2
  assert "to 44100 Hz" in remarks[0] or "to 48000 Hz mono" in remarks[0]
  assert remarks[0].startswith("sound changes at 2.0")
  sound, _ = _heard(path, start_s=3.0, duration_s=2.0)
  assert len(sound) == 96_000
  assert films.tones(sound) == [500, 600]


def test_sound_without_pictures_changes_too(tmp_path):
  _joined(tmp_path / "a.ts", "mp2", "mp2", (_STEREO, _MONO, _STEREO))
  sound, remarks = _heard(tmp_path / "joined.mp2")
  assert films.tones(sound) == [200, 300, 400, 500, 600, 700]
  assert len(remarks) == 2


def test_gap_is_silence_and_what_follows_is_at_its_time(tmp_path):
  path = tmp_path / "gap.mkv"
  films.run(
    "-f",
    "lavfi",
    "-i",
    "aevalsrc='0.4*sin(2*PI*(200+100*floor(t))*t)':s=48000:d=5",
    "-af",
    "aselect='lt(t,1)+gte(t,3)'",
    "-c:a",
    "pcm_s16le",
    path,
  )
  sound, _ = _heard(path)
  assert len(sound) / 48_000 == pytest.approx(5.0, abs=0.03)
  assert films.tones(sound)[3:] == [500, 600]
  assert not sound[round(1.1 * 48_000) : round(2.9 * 48_000)].any()


def test_chunks_have_one_length_and_the_last_is_shorter(tmp_path):
  path = tmp_path / "a.wav"
  films.make(path, seconds=1, pictures=False)
  chunks = list(
    streams.stream_audio(path, header.probe(path), chunk_samples=18_000)
  )
  assert [len(chunk) for chunk in chunks] == [18_000, 18_000, 12_000]
  whole = np.concatenate(chunks)
  raw = subprocess.run(
    [streams.ffmpeg.path(), "-v", "error", "-i", path, "-f", "s16le", "-"],
    capture_output=True,
    check=True,
  ).stdout
  np.testing.assert_array_equal(whole, np.frombuffer(raw, "<i2"))


def test_cut_of_a_program_stream_begins_with_half_a_packet(tmp_path):
  path = films.make(
    tmp_path / "film.mpg", *films.MPEG2, "-c:a", "mp2", seconds=8, key_frames=25
  )
  cut = tmp_path / "cut.mpg"
  films.run("-ss", "4", "-t", "3", "-i", path, "-c", "copy", cut)
  sound, _ = _heard(cut)
  assert films.tones(sound)[1:3] in ([600, 700], [700, 800])
  assert len(streams.decode_frames(cut)) >= 74
