"""Stretches are those of their time in every container, by count."""

import math

import numpy as np
import pytest

from tests.data.media import films
from tfvssl.data.media import header
from tfvssl.data.media import streams
from tfvssl.data.media import stretch

# Name: codecs. A key frame every 4 s, so that seeks fall behind one.
_FILMS = {
  "h264.mp4": (*films.H264, "-c:a", "aac"),
  "h264.mkv": (*films.H264, "-c:a", "aac"),
  "h264.ts": (*films.H264, "-c:a", "aac"),
  "h264.flv": (*films.H264, "-c:a", "aac"),
  "mpeg2.ts": (*films.MPEG2, "-c:a", "ac3"),
  "mpeg2.mpg": (*films.MPEG2, "-c:a", "mp2"),
  "mpeg4.avi": ("-c:v", "mpeg4", "-qscale:v", "2", "-c:a", "libmp3lame"),
  "vp8.webm": ("-c:v", "libvpx", "-b:v", "300k", "-c:a", "libvorbis"),
}


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
  return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module", name="film")
def _film(folder):
  """Returns a function that makes a film of 10 s, once."""

  def made(name):
    path = folder / name
    if not path.exists():
      films.make(path, *_FILMS[name], seconds=10, key_frames=100)
    return path

  return made


@pytest.mark.parametrize("name", _FILMS)
def test_stretch_has_the_pictures_and_the_sound_of_its_time(film, name):
  frames, sound, remarks = films.read(film(name), 5.3, 2.4)
  assert len(frames) == 60
  films.assert_shows(frames, films.expected(5.3, 7.7))
  assert len(sound) == 2.4 * 48_000
  heard = films.tones(sound[round(0.7 * 48_000) :])
  assert heard[:1] == [800]  # second 6
  assert remarks == []


@pytest.mark.parametrize("name", ["h264.mp4", "h264.ts", "mpeg2.mpg"])
def test_stretch_that_ends_behind_the_end_is_shortened_and_said(film, name):
  frames, sound, remarks = films.read(film(name), 8.0, 6.0)
  films.assert_shows(frames, films.expected(8.0, 10.0))
  assert len(sound) / 48_000 == pytest.approx(2.0, abs=0.08)
  assert len(remarks) == 2
  assert remarks[0].startswith("pictures end at 10.0")
  assert remarks[0].endswith("s, not at 14.00 s as the stretch does")
  assert remarks[1].startswith("sound ends at 10.0")


@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "mpeg4.avi"])
def test_stretch_behind_the_end_says_so(film, name):
  for decode, reason in (
    (streams.decode_frames, "no_frames"),
    (streams.decode_audio, "no_audio"),
  ):
    with pytest.raises(streams.MediaError) as caught:
      decode(film(name), start_s=20.0, duration_s=3.0)
    assert caught.value.reason == reason
    assert caught.value.detail == "starts behind the end (10.0 s)"


def test_stretch_behind_the_end_of_a_stream_without_a_length(film):
  with pytest.raises(streams.MediaError, match="starts behind the end .10.0 s"):
    streams.decode_frames(film("h264.ts"), start_s=20.0, duration_s=3.0)


def _with_fault(path, place_s, size=16):
  """Writes a copy with the pictures at `place_s` of 10 s damaged."""
  content = bytearray(path.read_bytes())
  first = content.index(b"mdat") if path.suffix == ".mp4" else 0
  last = content.index(b"moov") if path.suffix == ".mp4" else len(content)
  place = first + round((last - first) * place_s / 10)
  content[place : place + size] = b"\xff" * size
  damaged = path.with_name(f"damaged{place_s}_{path.name}")
  damaged.write_bytes(content)
  return damaged


@pytest.fixture(scope="module", name="dense")
def _dense(folder):
  """A film of noise, so that bytes are pictures all along."""
  path = folder / "dense.mp4"
  films.run(
    "-f",
    "lavfi",
    "-i",
    "color=size=64x48:rate=25:duration=10,format=yuv420p,noise=alls=40:allf=t",
    *films.H264,
    "-g",
    "50",
    path,
  )
  return path


def test_faults_outside_a_stretch_are_none_of_its(dense):
  path = _with_fault(dense, 4.5)  # its group of pictures is that from 4 to 6 s
  with pytest.raises(streams.MediaError, match="damaged"):
    streams.decode_frames(path)
  with pytest.raises(streams.MediaError, match="damaged"):
    streams.decode_frames(path, start_s=4.0, duration_s=1.0)
  with pytest.raises(streams.MediaError, match="damaged"):
    # Up to the key picture at 6 s pictures inherit it.
    streams.decode_frames(path, start_s=5.2, duration_s=2.0)
  for start_s, duration_s in ((6.0, 2.0), (2.0, 1.5)):
    frames = streams.decode_frames(path, start_s=start_s, duration_s=duration_s)
    assert len(frames) == round(25 * duration_s)


def test_open_groups_of_pictures_are_no_damage(folder):
  path = films.make(
    folder / "open.mp4",
    *films.H264,
    "-x264-params",
    "open-gop=1:keyint=50:min-keyint=50:scenecut=0:bframes=3",
    "-c:a",
    "aac",
    seconds=8,
    key_frames=50,
  )
  for start_s in (4.1, 5.3):
    frames, _, _ = films.read(path, start_s, 2.0)
    films.assert_shows(frames, films.expected(start_s, start_s + 2))


def _info(**changes):
  return header.MediaInfo(True, True, 10.0, num_streams=2, **changes)


def test_places_lead_to_the_beginning_of_the_file():
  wanted = stretch.Stretch("video", 25.0, 7.3, 4.0)
  places = list(wanted.places(_info(format_name="mpegts")))
  assert [place.args for place in places] == [
    ("-noaccurate_seek", "-ss", "7.300000"),
    ("-noaccurate_seek", "-ss", "5.300000"),
    ("-itsoffset", "-0.020000"),
  ]
  assert [place.lead for place in places] == [0, 50, 182]
  assert [place.is_beginning for place in places] == [False, False, True]
  (only,) = wanted.places(_info(format_name="mpeg"))
  assert only.is_beginning
  (only,) = stretch.Stretch("audio", 48_000, 0.0, None).places(_info())
  assert (only.args, only.lead) == ((), 0)


@pytest.mark.parametrize(
  ("kind", "ends_s", "count", "passes"),
  [
    ("video", {"video": 10.0}, 244, True),  # 0.26 s of 10 s allowed
    ("video", {"video": 10.0}, 243, False),
    ("video", {}, 100, True),  # the other stream may be the long one
    ("audio", {"video": 10.0}, 4, True),
  ],
)
def test_shown_time_is_measured_against_what_the_stream_claims(
  kind, ends_s, count, passes
):
  wanted = stretch.Stretch(kind, 25.0, 0.0, None)
  info, remarks = _info(ends_s=ends_s), []
  if passes:
    stretch.check_end(wanted, info, count, remarks)
    assert len(remarks) == (count < 232)
  else:
    with pytest.raises(streams.MediaError, match="truncated: 9.72 s of the 10"):
      stretch.check_end(wanted, info, count, remarks)


def test_short_stream_beside_a_long_one_is_named():
  remarks: list[str] = []
  wanted = stretch.Stretch("video", 25.0, 0.0, None)
  stretch.check_end(wanted, _info(), 100, remarks)
  assert remarks == [
    "pictures end at 4.00 s of the 10.00 s that the file claims"
  ]


def test_what_is_claimed_of_a_stretch():
  wanted = stretch.Stretch("video", 25.0, 4.0, 2.0)
  assert (wanted.count, wanted.end_s) == (50, 6.0)
  assert stretch.claimed_count(wanted, _info(ends_s={"video": 9.0})) == 125
  joined = _info(format_name="mpegts")
  assert stretch.claimed_count(wanted, joined) == math.inf
  assert stretch.Stretch("video", 25.0, 4.0, None).end_s == math.inf


def test_pictures_and_sound_of_a_stretch_stay_together(folder):
  """A flash and a click at 5.2 s, in a stretch from 4.04 s."""
  path = folder / "flash.ts"
  films.run(
    "-f",
    "lavfi",
    "-i",
    "color=size=32x32:rate=25:duration=8,drawbox=color=white:t=fill:"
    "enable='between(t,5.199,5.23)'",
    "-f",
    "lavfi",
    "-i",
    "aevalsrc='if(between(t,5.2,5.24),0.8,0)':s=48000:d=8",
    *films.H264,
    "-g",
    "250",
    "-c:a",
    "mp2",
    path,
  )
  frames, sound, _ = films.read(path, 4.04, 3.0)
  flash_s = int(np.argmax(frames.mean(axis=(1, 2, 3)))) / 25
  click_s = int(np.argmax(np.abs(sound) > 10_000)) / 48_000
  assert flash_s == pytest.approx(1.16, abs=0.04)
  assert click_s == pytest.approx(1.16, abs=0.02)


@pytest.mark.parametrize("suffix", ["ts", "mpg"])
@pytest.mark.parametrize("late", ["pictures", "sound"])
def test_streams_that_start_apart_keep_the_clock_of_their_file(
  folder, suffix, late
):
  """A flash and a click at 2 s, with 0.6 s more of one of the streams."""
  path = folder / f"late_{late}.{suffix}"
  offsets = {"pictures": ("0.6", "0"), "sound": ("0", "0.6")}[late]
  flash_s, click_s = (2 - float(offset) for offset in offsets)
  films.run(
    *("-itsoffset", offsets[0], "-f", "lavfi", "-i"),
    "color=size=32x32:rate=25:duration=4,drawbox=color=white:t=fill:"
    f"enable='between(t,{flash_s - 0.001},{flash_s + 0.03})'",
    *("-itsoffset", offsets[1], "-f", "lavfi", "-i"),
    f"aevalsrc='if(between(t,{click_s},{click_s + 0.04}),0.8,0)':s=48000:d=4",
    *films.MPEG2,
    *("-c:a", "mp2"),
    path,
  )
  frames, sound, _ = films.read(path)
  shown_s = int(np.argmax(frames.mean(axis=(1, 2, 3)))) / 25
  heard_s = int(np.argmax(np.abs(sound) > 10_000)) / 48_000
  assert shown_s == pytest.approx(2.0, abs=0.05)
  assert heard_s == pytest.approx(shown_s, abs=0.05)
