"""What ffmpeg says of a file, read from its words."""

import pytest

from tests.data.media import films
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header
from tfvssl.data.media import streams


def test_length_by_the_rate_of_bits_is_an_estimate(tmp_path):
  path = films.make(tmp_path / "a.aac", seconds=1, pictures=False)
  info = header.probe(path)
  assert info.is_estimate and info.format_name == "aac"
  path = films.make(tmp_path / "a.wav", seconds=1, pictures=False)
  info = header.probe(path)
  assert not info.is_estimate
  assert info.ends_s == {"audio": pytest.approx(1.0)}


def test_stream_of_no_kind_is_named(tmp_path):
  path = films.make(tmp_path / "a.mp4", *films.H264, "-c:a", "aac", seconds=0.2)
  assert header.probe(path).remarks == []
  content = path.read_bytes()
  place = content.rindex(b"mdia")  # all about the sound
  path.write_bytes(content[:place] + b"md\0a" + content[place + 4 :])
  info = header.probe(path)
  assert info.has_video and not info.has_audio
  assert info.remarks == ["stream 1 is of no known kind"]


def test_stream_that_is_gone_is_named(tmp_path):
  path = films.make(tmp_path / "a.mkv", *films.H264, "-c:a", "aac", seconds=0.2)
  assert header.probe(path).remarks == []
  content = path.read_bytes()
  place = content.index(b"A_AAC")
  entry = content.rindex(b"\xae", 0, place)  # of the table of tracks
  path.write_bytes(content[:entry] + b"\xec" + content[entry + 1 :])
  info = header.probe(path)
  assert info.has_video and not info.has_audio
  assert info.remarks == ["its tags name a stream that is not there"]


def test_tags_that_outlive_a_cut_are_left_out(tmp_path):
  path = films.make(tmp_path / "a.mkv", *films.H264, seconds=1, sound=False)
  content = path.read_bytes()
  assert content.count(b"00:00:01.00") == 1
  path.write_bytes(content.replace(b"00:00:01.00", b"00:00:09.00"))
  assert header.probe(path).ends_s == {}


@pytest.mark.parametrize(
  ("name", "tag"), [("a.mp4", b"avc1"), ("a.avi", b"H264")]
)
def test_a_codec_without_a_name_is_named_by_its_tag(tmp_path, name, tag):
  path = films.make(tmp_path / name, *films.H264, seconds=1, sound=False)
  path.write_bytes(path.read_bytes().replace(tag, b"xxq1"))
  with pytest.raises(ffmpeg.MediaError) as caught:
    streams.decode_frames(path)
  assert caught.value.reason == "no_decoder"
  assert "the video codec with the tag 'xxq1'; install" in caught.value.detail


def test_ffmpeg_that_dies_is_not_the_fault_of_the_file(tmp_path, monkeypatch):
  crashing = tmp_path / "ffmpeg"
  crashing.write_text(
    '#!/bin/sh\n[ "$1" = -version ] && echo ffmpeg version 0.1 && exit\n'
    "kill -SEGV $$\n"
  )
  crashing.chmod(0o755)
  video = tmp_path / "video.ts"
  video.write_bytes(b"G")
  monkeypatch.setattr(ffmpeg, "path", lambda: str(crashing))
  ffmpeg.version.cache_clear()
  with pytest.raises(ffmpeg.MediaError) as caught:
    header.probe(video)
  ffmpeg.version.cache_clear()
  assert str(caught.value) == (
    "unreadable: ffmpeg 0.1 died of signal 11 opening it; another version may"
    " read it"
  )
