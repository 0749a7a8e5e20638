"""Decoding of files whose content is known: time, rotation, sound, damage."""

import os
import pathlib
import subprocess
import time

import numpy as np
import pytest

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import streams


def _make(path, *args):
  subprocess.run(
    [ffmpeg.path(), "-v", "error", "-y", *args, f"file:{path}"],
    check=True,
    timeout=60,
  )
  return path


def _video(path, *args, source="testsrc2=size=64x48:rate=25:duration=1"):
  return _make(path, "-f", "lavfi", "-i", source, "-c:v", "libx264", *args)


def _grey_clock(path, *args, rate=25, seconds=2):
  """A video whose grey level is 2 * (25 * time): even frames to tell apart."""
  return _video(
    path,
    "-vf",
    "geq=lum='20+2*25*T':cb=128:cr=128",
    "-qp",
    "0",
    *args,
    source=f"color=size=32x32:rate={rate}:duration={seconds}",
  )


def _levels(frames):
  """Returns the clock's number of 1/25 s for every frame."""
  grey = frames.mean(axis=(1, 2, 3)) * (219 / 255) + 16
  return (grey - 20) / 2


def test_probe_tells_streams_size_and_length(tmp_path):
  path = _make(
    tmp_path / "a.mp4",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=64x48:rate=30:duration=2",
    "-f",
    "lavfi",
    "-i",
    "sine=duration=2",
    "-c:v",
    "libx264",
  )
  info = streams.probe(path)
  assert info.has_video and info.has_audio
  assert (info.width, info.height, info.num_streams) == (64, 48, 2)
  assert info.frame_rate_hz == 30.0
  assert info.duration_s == pytest.approx(2.0, abs=0.05)
  assert info.video_codec == "h264"


def test_cover_picture_is_no_video(tmp_path):
  cover = _make(
    tmp_path / "c.png",
    "-f",
    "lavfi",
    "-i",
    "color=size=32x32",
    "-frames:v",
    "1",
  )
  path = _make(
    tmp_path / "a.m4a",
    "-f",
    "lavfi",
    "-i",
    "sine=duration=1",
    "-i",
    str(cover),
    "-map",
    "0",
    "-map",
    "1",
    "-c:v",
    "png",
    "-disposition:v",
    "attached_pic",
  )
  info = streams.probe(path)
  assert info.has_audio and not info.has_video


def test_frame_rate_is_changed_by_time(tmp_path):
  path = _grey_clock(tmp_path / "fast.mp4", rate=50)
  np.testing.assert_allclose(
    _levels(streams.decode_frames(path, short_side=None)),
    np.arange(50),
    atol=0.6,  # half a frame, and 8-bit rounding
  )


def test_variable_frame_rate_shows_the_picture_of_the_time(tmp_path):
  path = _grey_clock(
    tmp_path / "vfr.mp4",
    "-fps_mode",
    "vfr",
    rate=25,
  )
  dropped = _make(
    tmp_path / "dropped.mp4",
    "-i",
    str(path),
    "-vf",
    "select='lt(n,10)+gt(n,29)'",
    "-fps_mode",
    "vfr",
    "-c:v",
    "libx264",
    "-qp",
    "0",
  )
  levels = _levels(streams.decode_frames(dropped, short_side=None))
  expected = np.arange(50.0)
  expected[10:30] = 9  # the picture that was shown all the while
  np.testing.assert_allclose(levels, expected, atol=0.6)


def test_stretch_of_a_file_starts_at_its_time(tmp_path):
  path = _grey_clock(tmp_path / "a.mp4", "-g", "50")
  frames = streams.decode_frames(
    path, start_s=0.4, duration_s=0.8, short_side=None
  )
  np.testing.assert_allclose(_levels(frames), np.arange(10, 30), atol=0.6)


@pytest.mark.parametrize("short_side", [None, 24, 96])
def test_short_side(tmp_path, short_side):
  path = _video(tmp_path / "a.mp4", source="testsrc2=size=80x48:duration=0.2")
  height = short_side or 48
  frames = streams.decode_frames(path, short_side=short_side)
  assert frames.shape == (5, height, round(height * 80 / 48), 3)


@pytest.mark.parametrize(
  ("degrees", "corner"),
  [(0, (0, 0)), (90, (-1, 0)), (180, (-1, -1)), (270, (0, -1))],
)
def test_rotation_is_honoured_once(tmp_path, degrees, corner):
  still = _video(
    tmp_path / "still.mp4",
    "-vf",
    "drawbox=x=0:y=0:w=32:h=24:color=red:t=fill",
    source="color=color=blue:size=96x64:rate=25:duration=0.2",
  )
  path = _make(
    tmp_path / "turned.mp4",
    "-display_rotation",
    str(degrees),
    "-i",
    str(still),
    "-c",
    "copy",
  )
  info = streams.probe(path)
  frame = streams.decode_frames(path, short_side=None)[0].astype(int)
  assert frame.shape[:2] == (info.height, info.width)
  assert frame.shape[:2] == ((64, 96) if degrees % 180 == 0 else (96, 64))
  reds = {(y, x): frame[y, x, 0] > 150 for y in (0, -1) for x in (0, -1)}
  assert [place for place, red in reds.items() if red] == [corner]


def test_sound_is_resampled_and_mixed_to_mono(tmp_path):
  path = _make(
    tmp_path / "a.wav",
    "-f",
    "lavfi",
    "-i",
    "aevalsrc='0.5*sin(2*PI*440*t)|0.25*sin(2*PI*440*t)':s=44100:d=1",
  )
  sound = streams.decode_audio(path)
  assert sound.dtype == np.int16
  assert len(sound) == 48_000
  expected = 0.375 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
  inner = slice(500, -500)  # the resampler's filter needs its neighbours
  np.testing.assert_allclose(sound[inner] / 32768, expected[inner], atol=2e-3)


@pytest.mark.parametrize("video_offset_s", [0.0, 0.4])
def test_click_and_flash_stay_together(tmp_path, video_offset_s):
  """Both at 1 s of the file's clock, whichever stream starts later."""
  path = _make(
    tmp_path / "a.mkv",
    "-itsoffset",
    str(video_offset_s),
    "-f",
    "lavfi",
    "-i",
    "color=size=32x32:rate=25:duration=2",
    "-f",
    "lavfi",
    "-i",
    "aevalsrc='if(between(t,1,1.04),0.8,0)':s=48000:d=2",
    "-vf",
    "drawbox=color=white:t=fill:enable='between(t,0.999,1.03)'",
    "-c:v",
    "libx264",
    "-c:a",
    "pcm_s16le",
  )
  frames = streams.decode_frames(path, short_side=None).mean(axis=(1, 2, 3))
  sound = streams.decode_audio(path)
  flash_s = int(np.argmax(frames)) / 25
  click_s = int(np.argmax(np.abs(sound) > 10_000)) / 48_000
  assert flash_s == pytest.approx(1.0, abs=0.04)
  assert click_s == pytest.approx(1.0, abs=0.001)


def test_late_sound_begins_with_zeros(tmp_path):
  path = _make(
    tmp_path / "a.mkv",
    "-f",
    "lavfi",
    "-i",
    "color=size=32x32:rate=25:duration=2",
    "-itsoffset",
    "0.5",
    "-f",
    "lavfi",
    "-i",
    "aevalsrc=0.5:s=48000:d=1",
    "-c:v",
    "libx264",
    "-c:a",
    "pcm_s16le",
  )
  sound = streams.decode_audio(path)
  first = int(np.argmax(np.abs(sound) > 8_000))
  assert first / 48_000 == pytest.approx(0.5, abs=0.005)


def _reason(function, *args, **kwargs):
  with pytest.raises(streams.MediaError) as caught:
    function(*args, **kwargs)
  assert str(caught.value) == f"{caught.value.reason}: {caught.value.detail}"
  assert "\n" not in caught.value.detail
  return caught.value.reason, caught.value.detail


def test_missing_streams_have_names(tmp_path):
  silent = _video(tmp_path / "v.mp4")
  sound = _make(tmp_path / "a.wav", "-f", "lavfi", "-i", "sine=duration=0.2")
  assert _reason(streams.decode_audio, silent)[0] == "no_audio"
  assert _reason(streams.decode_frames, sound)[0] == "no_video"
  with pytest.raises(FileNotFoundError, match="none.mp4 is not a file"):
    streams.probe(tmp_path / "none.mp4")


def test_stretch_behind_the_end_has_no_frames(tmp_path):
  path = _video(tmp_path / "v.mp4")
  assert _reason(streams.decode_frames, path, start_s=5.0) == (
    "no_frames",
    "starts behind the end (1.0 s)",
  )
  sound = _make(tmp_path / "a.wav", "-f", "lavfi", "-i", "sine=duration=0.2")
  reason, detail = _reason(streams.decode_audio, sound, start_s=5.0)
  assert (reason, detail) == ("no_audio", "starts behind the end (0.2 s)")


def test_refused_formats(tmp_path):
  playlist = tmp_path / "list.mp4"
  playlist.write_text("ffconcat version 1.0\nfile v.mp4\n")
  _video(tmp_path / "v.mp4")
  assert _reason(streams.probe, playlist)[0] == "format_refused"
  text = tmp_path / "a.txt"
  text.write_text("x" * 1000)
  assert _reason(streams.probe, text)[0] == "not_media"
  (tmp_path / "empty.mp4").touch()
  assert _reason(streams.probe, tmp_path / "empty.mp4")[0] == "empty_file"


def test_pixel_cap_before_and_after_scaling(tmp_path):
  path = _video(tmp_path / "v.mp4")
  reason, detail = _reason(streams.probe, path, max_pixels=64 * 48 - 1)
  assert reason in ("too_large", "unreadable")
  thin = _video(tmp_path / "thin.mp4", source="color=size=1024x2:duration=0.1")
  reason, detail = _reason(streams.decode_frames, thin, short_side=256)
  assert reason == "too_large"
  assert "1024x2 becomes 131072x256 pixels at short side 256" in detail


def test_truncated_file_is_named_with_its_frames(tmp_path):
  path = _video(tmp_path / "v.mkv", "-g", "5")
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  reason, detail = _reason(streams.decode_frames, path)
  assert reason == "truncated"
  assert "File ended prematurely" in detail
  assert "video packets decoded" in detail


def test_truncated_sound(tmp_path):
  path = _make(tmp_path / "a.flac", "-f", "lavfi", "-i", "sine=duration=4")
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  assert _reason(streams.decode_audio, path)[0] in ("truncated", "damaged")


def test_waiting_for_too_long_is_a_timeout_and_kills_the_decoder(tmp_path):
  path = _video(tmp_path / "v.mp4", source="testsrc2=size=640x480:duration=4")
  info = streams.probe(path)
  began = time.monotonic()
  reason, detail = _reason(
    lambda: list(streams.stream_frames(path, info, budget_s=0.001))
  )
  assert (reason, detail) == ("timeout", "ffmpeg gave nothing more after 0 s")
  assert time.monotonic() - began < 5


def test_decoder_that_does_not_end_is_a_timeout_and_is_killed(tmp_path):
  pipe = tmp_path / "pipe.mp4"
  os.mkfifo(pipe)  # ffmpeg waits for somebody to open its other end
  began = time.monotonic()
  with pytest.raises(streams.MediaError, match="timeout: ffmpeg does not end"):
    with ffmpeg.Decoder(pipe, [], [], budget_s=1, max_pixels=9) as decoder:
      decoder.close(wait_s=0.1)
  assert time.monotonic() - began < 5


def test_video_without_a_picture_size_is_unreadable(tmp_path):
  path = _video(tmp_path / "v.ts")
  content = bytearray(path.read_bytes())
  for packet in range(0, len(content), 188):
    number = int.from_bytes(content[packet + 1 : packet + 3], "big") & 0x1FFF
    if number == 0x100:  # the video's payload; the tables stay
      content[packet + 40 : packet + 188] = bytes(148)
  path.write_bytes(content)
  assert _reason(lambda: streams.probe(path)) == (
    "unreadable",
    "the video stream has no picture size",
  )


def test_slow_consumer_is_no_timeout(tmp_path):
  path = _video(tmp_path / "v.mp4")
  count = 0
  for _ in streams.stream_frames(path, streams.probe(path), budget_s=1.0):
    time.sleep(0.05)  # 1.25 s in all
    count += 1
  assert count == 25


@pytest.mark.parametrize(
  ("log", "expected"),
  [
    ("[h264 @ 0x1] [error] bad MB", "damaged"),
    ("[vist#0:0/h264 @ 0x1] [warning] corrupt decoded frame", "damaged"),
    ("[in#0/avi @ 0x1] [warning] Packet corrupt (stream = 0)", "damaged"),
    ("[mov @ 0x1] [error] stream 0: partial file", "truncated"),
    ("[null @ 0x1] [error] non monotonically increasing dts", ""),
    ("[out#0/rawvideo @ 0x1] [error] x", ""),
    ("[mov @ 0x1] [warning] UDTA parsing failed", ""),
    (
      "Input stream #0:0 (video): 50 packets read (9 bytes); 50 frames"
      " decoded; 1 decode errors;",
      "damaged",
    ),
    (
      "Input stream #0:0 (video): 50 packets read (9 bytes); 40 frames"
      " decoded; 0 decode errors;",
      "",
    ),
    (
      "Input stream #0:0 (video): 50 packets read (9 bytes); 50 frames"
      " decoded;",
      "",
    ),
    (
      "Input stream #0:0 (video): 3 packets read (9 bytes); 2 frames decoded;",
      "",
    ),
  ],
)
def test_what_counts_as_damage(log, expected):
  try:
    ffmpeg.check(log, 0, "video")
    found = ""
  except streams.MediaError as error:
    found = error.reason
  assert found == expected


def test_failing_process_without_a_word_is_unreadable():
  with pytest.raises(
    streams.MediaError, match="unreadable: ffmpeg cannot open"
  ):
    ffmpeg.check("", 1, "video")


def test_lists_of_files(tmp_path):
  for name in ("b.mp4", "a/c.OGG", "a/d.txt"):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
  (tmp_path / "link.mp4").symlink_to(tmp_path / "b.mp4")
  (tmp_path / "broken.mp4").symlink_to(tmp_path / "nothing")
  names = [str(p.relative_to(tmp_path)) for p in streams.list_files(tmp_path)]
  assert names == ["a/c.OGG", "a/d.txt", "b.mp4", "link.mp4"]
  named = [name for name in names if streams.is_named_as_media(name)]
  assert named == ["a/c.OGG", "b.mp4", "link.mp4"]


def test_ffmpeg_has_a_version():
  assert pathlib.Path(ffmpeg.path()).is_file()
  assert streams.ffmpeg_version()[0] in "nN0123456789"
