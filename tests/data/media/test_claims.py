"""What containers say of the ends of their streams, also when damaged."""

import pytest

from tests.data.media import films
from tfvssl.data.media import claims
from tfvssl.data.media import header
from tfvssl.data.media import streams


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
  return tmp_path_factory.mktemp("claims")


@pytest.mark.parametrize(
  ("name", "args", "kinds"),
  [
    ("a.mp4", (*films.H264, "-c:a", "aac"), ("video", "audio")),
    ("a.mov", (*films.H264, "-c:a", "aac"), ("video", "audio")),
    ("a.mkv", (*films.H264, "-c:a", "aac"), ("video", "audio")),
    ("a.avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame"), ("video",)),
    (
      "a.ogv",
      # Pictures that differ: some versions write no empty packets at the end.
      ("-vf", "noise=alls=20:allf=t", "-c:v", "libtheora", "-c:a", "libvorbis"),
      ("video",),
    ),
    ("a.ts", (*films.H264, "-c:a", "mp2"), ()),
  ],
)
def test_ends_of_streams(folder, name, args, kinds):
  path = films.make(folder / name, *args, seconds=2)
  info = header.probe(path)
  assert set(info.ends_s) == set(kinds)
  for end_s in info.ends_s.values():
    assert end_s == pytest.approx(2.0, abs=0.06)


def test_edit_list_says_what_is_shown(folder):
  film = films.make(
    folder / "long.mp4", *films.H264, "-c:a", "aac", seconds=6, key_frames=150
  )
  path = folder / "cut.mp4"
  films.run("-ss", "2", "-t", "3", "-i", film, "-c", "copy", path)
  info = header.probe(path)
  assert info.ends_s["audio"] == pytest.approx(3.0, abs=0.03)
  assert info.ends_s["video"] == pytest.approx(3.0, abs=0.13)


def _sound_claims_more(path, place, number):
  content = bytearray(path.read_bytes())
  content[place : place + len(number)] = number
  damaged = path.with_name("damaged_" + path.name)
  damaged.write_bytes(content)
  return damaged


def test_lengths_that_are_not_there_are_truncated(folder):
  """A damaged header of sound alone, and of one stream of two."""
  path = films.make(
    folder / "s.flac", "-c:a", "flac", seconds=1, pictures=False
  )
  # The last of STREAMINFO's 36 bits that count the samples.
  path = _sound_claims_more(path, 4 + 4 + 14, (90_000).to_bytes(4, "big"))
  with pytest.raises(streams.MediaError, match="truncated: 1.00 s of the 1.8"):
    streams.decode_audio(path)
  path = films.make(
    folder / "b.avi", "-c:v", "mpeg4", "-c:a", "libmp3lame", seconds=2
  )
  place = path.read_bytes().index(b"strh") + 8 + 32
  path = _sound_claims_more(path, place, (80).to_bytes(4, "little"))
  with pytest.raises(streams.MediaError, match="of the 3.20 s that the file"):
    streams.decode_frames(path)
  assert len(streams.decode_audio(path)) > 90_000  # the other one is whole


@pytest.mark.parametrize(
  ("format_name", "content"),
  [
    ("mov,mp4,m4a", b""),
    ("mov,mp4,m4a", b"\0\0\0\x10moov\0\0\0\x08trak"),
    ("mov,mp4,m4a", b"\0\0\0\0moov\0\0\0\x01trak\xff"),
    ("avi", b"RIFF\0\0\0\0AVI LIST\xff\xff\xff\xffhdrl"),
    ("ogg", b"OggS\x80theora"),
    ("mpegts", b"G"),
  ],
)
def test_headers_without_sense_claim_nothing(tmp_path, format_name, content):
  path = tmp_path / "a"
  path.write_bytes(content)
  assert claims.ends(path, format_name, "") == {}
  assert claims.ends(tmp_path / "none", format_name, "") == {}


def test_tags_of_matroska():
  text = """
    Stream #0:0: Video: h264
      DURATION        : 00:01:02.500000000
    Stream #0:1: Audio: aac
      DURATION-eng    : 00:00:01.000000000
    Stream #0:2: Audio: aac
      DURATION        : 00:00:09.000000000
  """
  assert claims.ends("none", "matroska,webm", text) == {
    "video": 62.5,
    "audio": 1.0,
  }


def test_lengths_that_are_counted():
  assert claims.counts_samples("wav") and not claims.counts_samples("mp3")
