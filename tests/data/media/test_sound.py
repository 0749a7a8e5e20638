"""Sound stays at its time through changes of channels and rate, and gaps."""

import subprocess

import numpy as np
import pytest

from tests.data.media import films
from tfvssl.data.media import ffmpeg
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


def test_what_is_given_before_a_change_is_not_given_again(tmp_path):
  path = tmp_path / "film.ts"
  _joined(path, "mp2", "mp2", (_STEREO, _MONO, _STEREO))
  whole, remarks = _heard(path)
  # Read once up to the change, and again with the length of every frame.
  chunks, same_remarks = _heard(path, chunk_samples=24_000)
  np.testing.assert_array_equal(chunks, whole)
  assert same_remarks == remarks and len(remarks) == 2


def test_sound_that_does_not_change_is_read_once(tmp_path, monkeypatch):
  path = tmp_path / "film.ts"
  _joined(path, "mp2", "mp2", (_STEREO, _STEREO))
  begun, decoder = [], ffmpeg.Decoder

  def counted(*arguments, **named):
    begun.append(arguments)
    return decoder(*arguments, **named)

  info = header.probe(path)
  monkeypatch.setattr(ffmpeg, "Decoder", counted)
  sound = np.concatenate(list(streams.stream_audio(path, info)))
  assert films.tones(sound)[:4] == [200, 300, 400, 500]
  assert len(begun) == 1


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


def _level(sound):
  """Returns the amplitude in the middle of a steady tone, 1 for full scale."""
  middle = sound[len(sound) // 4 : 3 * len(sound) // 4].astype(float)
  return np.sqrt(2 * np.mean(middle**2)) / 32768


@pytest.mark.parametrize("name", ["a.wav", "a.mka"])
def test_weights_of_surround_sound_are_those_that_are_said(tmp_path, name):
  silent = ["0"] * 6
  total = 1 + 2 * 0.7071 + 2 * 0.5
  wanted = [0.7071, 0.7071, 1.0, 0.0, 0.5, 0.5]
  for number, weight in enumerate(wanted):
    tones = list(silent)
    tones[number] = "0.8*sin(2*PI*500*t)"
    films.run(
      *("-f", "lavfi", "-i", f"aevalsrc='{'|'.join(tones)}':c=5.1:d=0.2"),
      *("-c:a", "pcm_s16le", f"file:{tmp_path / name}"),
    )
    sound, remarks = _heard(tmp_path / name)
    assert _level(sound) == pytest.approx(0.8 * weight / total, abs=1e-3)
  assert remarks == [
    "sound of 5.1 is mixed: centre 1, front 0.71, surround and back 0.5, LFE 0,"
    " by their sum"
  ]


def test_sound_is_that_of_the_default_track(tmp_path):
  path = tmp_path / "a.mkv"
  films.run(
    *("-f", "lavfi", "-i", "sine=300:d=2:r=48000"),
    *("-f", "lavfi", "-i", "sine=700:d=4:r=48000"),
    *("-f", "lavfi", "-i", "sine=900:d=4:r=48000"),
    *("-map", "0", "-map", "1", "-map", "2", "-c:a", "pcm_s16le"),
    *("-disposition:a:0", "0", "-disposition:a:1", "default"),
    *("-disposition:a:2", "default", path),
  )
  sound, remarks = _heard(path)
  assert films.tones(sound) == [700] * 4
  assert remarks == [
    "sound is that of audio stream 2 of 3, the default one or the first"
  ]
  # Its length is that of its own track, not of the first.
  assert header.probe(path).ends_s["audio"] == pytest.approx(4.0, abs=0.05)
  none = tmp_path / "none.mkv"
  films.run("-i", path, *("-map", "0", "-c", "copy", "-disposition", "0", none))
  assert films.tones(_heard(none)[0]) == [300, 300]


def test_length_of_the_default_track_of_an_mp4(tmp_path):
  path = tmp_path / "a.mp4"
  films.run(
    *("-f", "lavfi", "-i", "sine=300:d=2:r=48000"),
    *("-f", "lavfi", "-i", "sine=700:d=4:r=48000"),
    *("-map", "0", "-map", "1", "-disposition:a:0", "0"),
    *("-disposition:a:1", "default", "-c:a", "aac", path),
  )
  assert films.tones(_heard(path)[0])[:4] == [700] * 4
  assert header.probe(path).ends_s["audio"] == pytest.approx(4.0, abs=0.05)
