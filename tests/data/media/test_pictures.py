"""Pictures are shown for their time, whatever the packets are."""

import numpy as np
import pytest

from tests.data.media import films
from tfvssl.data.media import header
from tfvssl.data.media import streams

_AVI_INDEX = 16  # bytes of an entry


@pytest.fixture(scope="module", name="film")
def _film(tmp_path_factory):
  """A film of 10 s with key frames at 0 and 4 and 8 s."""
  folder = tmp_path_factory.mktemp("films")
  path = folder / "film.mp4"
  return films.make(
    path, *films.H264, "-c:a", "aac", seconds=10, key_frames=100
  )


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_lossless_cut_hides_what_precedes_it(film, tmp_path, container):
  path = tmp_path / f"cut.{container}"
  films.run("-ss", "3", "-t", "4", "-i", film, "-c", "copy", path)
  frames, sound, remarks = films.read(path)
  films.assert_shows(frames[:100], films.expected(3, 7))
  assert 100 <= len(frames) <= 103  # in the order of decoding: a few more
  assert films.tones(sound) == [500, 600, 700, 800]
  assert remarks == []


@pytest.mark.parametrize("container", ["mkv", "ts", "flv"])
def test_lossless_cut_that_hides_nothing_shows_it(film, tmp_path, container):
  """It starts at a key frame; its clock is that of its packets."""
  path = tmp_path / f"cut.{container}"
  films.run("-ss", "5", "-t", "3", "-i", film, "-c", "copy", path)
  frames, sound, _ = films.read(path)
  first = films.seconds_shown(frames)[0]
  assert first in (3, 4)
  # The tones keep their distance to the pictures: both say the second.
  shown = films.seconds_shown(frames)
  for second, tone in enumerate(films.tones(sound)):
    if tone >= 200 and 25 * second + 12 < len(shown):
      said = {shown[25 * second + k] for k in (6, 12, 18)}
      assert (tone - 200) // 100 in said


def test_pictures_of_another_size_move_nothing(tmp_path):
  content = b""
  for number, size in enumerate(("64x48", "96x64", "64x48")):
    part = tmp_path / f"part{number}.mpg"
    films.make(
      part,
      *films.MPEG2,
      "-c:a",
      "mp2",
      seconds=2,
      first=2 * number,
      size=size,
    )
    content += part.read_bytes()
  path = tmp_path / "joined.mpg"
  path.write_bytes(content)
  frames, sound, remarks = films.read(path)
  films.assert_shows(frames, films.expected(0, 6))
  assert films.tones(sound) == [200, 300, 400, 500, 600, 700]
  assert [line.split(" s ")[1] for line in remarks if "pictures" in line] == [
    "from 64x48 to 96x64",
    "from 96x64 to 64x48",
  ]


def _without_chunks(path, dropped):
  """Empties the chunks of pictures of an AVI, as recorders write them."""
  content = path.read_bytes()
  movi = content.index(b"movi")
  index = content.index(b"idx1", movi)
  chunks, place = [], movi + 4
  while place < index:
    size = int.from_bytes(content[place + 4 : place + 8], "little")
    chunks.append(content[place + 8 : place + 8 + size])
    place += 8 + size + size % 2
  body, entries = b"movi", b""
  for number, chunk in enumerate(chunks):
    data = b"" if number in dropped else chunk
    numbers = (16, len(body), len(data))
    entries += b"00dc" + b"".join(n.to_bytes(4, "little") for n in numbers)
    body += b"00dc" + len(data).to_bytes(4, "little") + data
    body += b"\0" * (len(data) % 2)
  head = content[: movi - 8]
  body = b"LIST" + len(body).to_bytes(4, "little") + body
  body += b"idx1" + len(entries).to_bytes(4, "little") + entries
  size = len(head) + len(body) - 8
  path.write_bytes(b"RIFF" + size.to_bytes(4, "little") + head[8:] + body)
  return len(chunks)


def test_dropped_pictures_of_a_recorder_are_held(tmp_path):
  path = tmp_path / "dropped.avi"
  films.make(path, "-c:v", "huffyuv", seconds=2, sound=False)
  dropped = {*range(20, 30), *range(40, 50)}  # also the last ones
  assert _without_chunks(path, dropped) == 50
  frames = streams.decode_frames(path, short_side=None)
  assert len(frames) == 50
  expected = [0] * 25 + [1] * 25
  expected[25:30] = [0] * 5  # the last picture that came
  assert films.seconds_shown(frames) == expected


def test_chunks_that_are_gone_are_no_dropped_pictures(tmp_path):
  path = tmp_path / "short.avi"
  films.make(path, "-c:v", "huffyuv", seconds=2, sound=False)
  content = bytearray(path.read_bytes())
  place = content.index(b"strh") + 8 + 32
  assert int.from_bytes(content[place : place + 4], "little") == 50
  content[place : place + 4] = (80).to_bytes(4, "little")
  path.write_bytes(content)
  with pytest.raises(
    streams.MediaError, match="truncated: 2.00 s of the 3.20 s that the file"
  ):
    streams.decode_frames(path, short_side=None)


def test_last_picture_stands_no_longer_than_the_file(tmp_path):
  """Some versions of ffmpeg guess its time from the gap in front of it."""
  path = tmp_path / "vfr.mkv"
  films.run(
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=64x48:rate=25:duration=2",
    "-vf",
    "select='lt(n,10)+eq(n,30)'",
    "-fps_mode",
    "vfr",
    *films.H264,
    path,
  )
  info = header.probe(path)
  frames = list(streams.stream_frames(path, info, short_side=None))
  assert len(frames) == pytest.approx(25 * info.ends_s["video"], abs=1)
  np.testing.assert_array_equal(frames[9], frames[29])
  assert not np.array_equal(frames[29], frames[30])


def test_fields_are_halves_of_pictures(tmp_path):
  path = tmp_path / "fields.ts"
  films.make(
    path,
    "-vf",
    "setfield=tff",
    *films.MPEG2,
    "-flags",
    "+ildct+ilme",
    seconds=2,
    sound=False,
  )
  frames = streams.decode_frames(path, short_side=None)
  films.assert_shows(frames, films.expected(0, 2))


def test_stretch_of_a_recording_without_news_ends_where_it_is_told(tmp_path):
  path = tmp_path / "still.avi"
  films.make(path, "-c:v", "huffyuv", seconds=10, sound=False)
  assert _without_chunks(path, set(range(50, 250))) == 250
  info = header.probe(path)
  frames = list(
    streams.stream_frames(path, info, short_side=None, duration_s=4.0)
  )
  assert len(frames) == 100  # not the 250 that the file has
  assert films.seconds_shown(np.stack(frames)) == [0] * 25 + [1] * 75
