"""The decoder process: what it lets through, and when it is killed."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import wave

import numpy as np
import pytest

from tfvssl.data.media import ffmpeg

_SOUND = ["-f", "s16le", "-ac", "1", "-ar", "8000", "pipe:1"]


def _counts(kind, packets, frames, errors=0):
  return (
    f"[in#0] Input stream #0:0 ({kind}): {packets} packets read (9 bytes);"
    f" {frames} frames decoded; {errors} decode errors (7 samples);\n"
  )


def _reason(*args, **kwargs):
  with pytest.raises(ffmpeg.MediaError) as caught:
    ffmpeg.check(*args, **kwargs)
  assert str(caught.value) == f"{caught.value.reason}: {caught.value.detail}"
  return caught.value.reason, caught.value.detail


def test_log_without_damage_passes():
  ffmpeg.check(_counts("video", 50, 50), 0, "video")
  # What concerns the output, and warnings that tell of no damage.
  ffmpeg.check(
    "[swscaler @ 0x1] [error] no accelerated conversion\n"
    "[mov @ 0x1] [warning] edit list is strange\n" + _counts("video", 50, 50),
    0,
    "video",
  )


def test_reported_damage_names_the_line_and_the_counts():
  log = "[h264 @ 0x5] [error] left block unavailable\n"
  assert _reason(log + _counts("video", 40, 31), 0, "video") == (
    "damaged",
    "left block unavailable (31 of 40 video packets decoded)",
  )
  log = "[mov @ 0x5] [warning] Packet corrupt (stream = 0)\n"
  assert _reason(log + _counts("video", 40, 40), 0, "video") == (
    "damaged",
    "Packet corrupt (stream = 0) (40 of 40 video packets decoded)",
  )


def test_decode_errors_are_damage_without_a_line():
  log = _counts("audio", 40, 40, errors=2)
  assert _reason(log, 0, "audio") == (
    "damaged",
    "the decoder counts 2 errors (40 of 40 audio packets decoded)",
  )
  # Those of the other stream are not this one's.
  ffmpeg.check(log, 0, "video")


@pytest.mark.parametrize("words", ["partial file", "File ended prematurely"])
def test_file_that_ends_early_is_truncated(words):
  log = f"[matroska @ 0x5] [error] {words}\n" + _counts("video", 9, 9)
  assert _reason(log, 0, "video")[0] == "truncated"


def test_exit_code_alone_is_unreadable():
  assert _reason("", 1, "video") == ("unreadable", "ffmpeg cannot open it")
  assert _reason("", 187, "audio")[0] == "unreadable"
  # The file was opened, so that this is not what went wrong.
  log = "[info] Input #0, avi, from 'a':\n" + _counts("video", 200, 200)
  assert _reason(log, -11, "video") == (
    "unreadable",
    "ffmpeg ended with exit code -11 while decoding video",
  )


@pytest.mark.parametrize(
  ("line", "codec"),
  [
    (
      "[vist#0:0/evc @ 0x5] [error] Decoding requested, but no decoder found"
      " for: evc",
      "evc",
    ),
    ("[error] Decoder (codec evc) not found for input stream #0:0", "evc"),
    (
      "[info]   Stream #0:0: Video: none (abcd / 0x1), 8x8\n"
      "[error] Decoder (codec none) not found for input stream #0:0",
      "with the tag 'abcd'",
    ),
  ],
)
def test_a_codec_that_is_lacking_is_named_and_not_called_damage(line, codec):
  reason, detail = _reason(f"[info] Input #0, avi\n{line}\n", 234, "video")
  assert reason == "no_decoder"
  assert detail == (
    f"this ffmpeg ({ffmpeg.version()}) has no decoder for the video codec"
    f" {codec}; install an ffmpeg that has it, or convert the file to H.264 and"
    " AAC"
  )


def test_packets_are_no_measure_of_pictures():
  ffmpeg.check(_counts("video", 277, 102), 0, "video")
  log = "[h264 @ 0x5] [error] mmco: unref short failure\n"
  ffmpeg.check(log + _counts("video", 40, 40), 0, "video")


def test_what_was_said_of_a_frame_is_there_before_the_frame(tmp_path):
  path = _wave(tmp_path / "a.wav", 60)  # more than a pipe holds
  with _decoder(path) as decoder:
    decoder.read(2)
    assert "Input #0, wav" in decoder.said()
    decoder.read(1 << 20)
    decoder.wait()
    rest = decoder.said()
    assert "Input #0" not in rest and "packets read" in rest
    assert sum("packets read" in line for line in decoder.lines()) == 1


def test_first_error_without_its_context():
  log = (
    "[info] fine\n[aac @ 0x7f] [warning] odd\n"
    "[mov,mp4 @ 0x55] [error] moov atom not found\n[fatal] later\n"
  )
  assert ffmpeg.first_error(log) == "moov atom not found"
  assert ffmpeg.first_error("[fatal] \n") == "[fatal] "
  assert ffmpeg.first_error("[info] fine") == "ffmpeg cannot open it"


def _wave(path: pathlib.Path, seconds=1):
  """Writes silence as WAV of 8 kHz: header, then zeros."""
  length = 2 * 8000 * seconds
  numbers = [
    b"RIFF",
    (36 + length).to_bytes(4, "little"),
    b"WAVEfmt ",
    (16).to_bytes(4, "little"),
    (1).to_bytes(2, "little"),
    (1).to_bytes(2, "little"),
    (8000).to_bytes(4, "little"),
    (16000).to_bytes(4, "little"),
    (2).to_bytes(2, "little"),
    (16).to_bytes(2, "little"),
    b"data",
    length.to_bytes(4, "little"),
  ]
  path.write_bytes(b"".join(numbers) + bytes(length))
  return path


def _decoder(file, **changes):
  settings = {"budget_s": 60.0, "max_pixels": 10_000, **changes}
  return ffmpeg.Decoder(file, [], _SOUND, **settings)


def test_reads_what_is_asked_and_less_at_the_end(tmp_path):
  with _decoder(_wave(tmp_path / "a.wav")) as decoder:
    assert decoder.read(1000) == bytes(1000)
    assert decoder.read(100_000) == bytes(16_000 - 1000)
    assert decoder.read(1) == b""
    log = decoder.close()
  assert decoder.return_code == 0
  ffmpeg.check(log, decoder.return_code, "audio")


def test_reads_of_uneven_sizes_join_to_what_there_is(tmp_path):
  samples = np.arange(5_000_000, dtype=np.uint32).astype(np.int16)
  path = tmp_path / "a.wav"
  with wave.open(str(path), "wb") as file:
    file.setparams((1, 2, 8000, 0, "NONE", ""))
    file.writeframes(samples.tobytes())
  parts = []
  with _decoder(path) as decoder:
    for size in (1, 9_000_001, 70_000, 1 << 28):  # in blocks of 4 MiB
      parts.append(decoder.read(size))
  assert [len(part) for part in parts] == [1, 9_000_001, 70_000, 929_998]
  assert b"".join(parts) == samples.tobytes()


def test_path_is_no_option_and_no_protocol(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  _wave(tmp_path / "-version")
  with _decoder("-version") as decoder:
    assert len(decoder.read(100_000)) == 16_000
  with _decoder("http://127.0.0.1:9/a.wav") as decoder:
    assert decoder.read(10) == b""
    log = decoder.close()
  assert decoder.return_code != 0
  assert "No such file or directory" in ffmpeg.first_error(log)


def test_playlist_that_calls_itself_a_film_opens_nothing(tmp_path):
  _wave(tmp_path / "secret.wav")
  path = tmp_path / "film.mp4"
  path.write_text("ffconcat version 1.0\nfile secret.wav\n")
  with _decoder(path) as decoder:
    assert decoder.read(10) == b""
    log = decoder.close()
  with pytest.raises(ffmpeg.MediaError, match="Format not on whitelist"):
    ffmpeg.check(log, decoder.return_code, "audio")


def test_file_that_gives_nothing_is_a_timeout_and_its_process_dies(tmp_path):
  path = tmp_path / "never.wav"
  os.mkfifo(path)
  began = time.monotonic()
  with pytest.raises(
    ffmpeg.MediaError, match="timeout: ffmpeg gave nothing more after 0 s"
  ):
    with _decoder(path, budget_s=0.2) as decoder:
      process = decoder._process
      decoder.read(10)
  assert process.returncode == -signal.SIGKILL
  assert time.monotonic() - began < 30


def _writer(tmp_path, monkeypatch, script):
  """Puts a program in ffmpeg's place that writes what a script says."""
  program = tmp_path / "ffmpeg"
  program.write_text(f"#!/bin/sh\n{script}\n")
  program.chmod(0o755)
  monkeypatch.setattr(ffmpeg, "path", lambda: str(program))


def test_picture_that_comes_in_pieces_is_read_whole(tmp_path, monkeypatch):
  pieces = "printf 01234; sleep 0.2; printf 56; sleep 0.2; printf 789abc"
  _writer(tmp_path, monkeypatch, pieces)
  with _decoder("any") as decoder:
    assert decoder.read(10) == b"0123456789"
    assert decoder.read(10) == b"abc"  # the end is shorter
    assert decoder.read(10) == b""


def test_wait_in_the_middle_of_a_picture_is_a_timeout(tmp_path, monkeypatch):
  _writer(tmp_path, monkeypatch, "printf 0123; exec sleep 60")
  began = time.monotonic()
  with _decoder("any", budget_s=0.5) as decoder:
    with pytest.raises(ffmpeg.MediaError, match="timeout: ffmpeg gave nothing"):
      decoder.read(10)
  assert 0.4 < time.monotonic() - began < 30


def test_budget_is_that_of_all_waits_together(tmp_path, monkeypatch):
  _writer(tmp_path, monkeypatch, "while :; do printf 0; sleep 0.2; done")
  with _decoder("any", budget_s=1.0) as decoder:
    with pytest.raises(ffmpeg.MediaError, match="timeout: ffmpeg gave nothing"):
      for _ in range(100):
        decoder.read(1)


def test_slow_flow_of_bytes_does_not_stretch_the_budget(tmp_path, monkeypatch):
  # Something every millisecond, and never what is asked for.
  slowly = "import os, time\nwhile True: os.write(1, b'0'); time.sleep(0.001)"
  program = tmp_path / "ffmpeg"
  program.write_text(f"#!{sys.executable}\n{slowly}\n")
  program.chmod(0o755)
  monkeypatch.setattr(ffmpeg, "path", lambda: str(program))
  began = time.monotonic()
  with _decoder("any", budget_s=1.0) as decoder:
    with pytest.raises(ffmpeg.MediaError, match="timeout: ffmpeg gave nothing"):
      decoder.read(1 << 20)
  assert time.monotonic() - began < 30


def test_timeout_of_other_sockets_is_not_that_of_the_decoder(
  tmp_path, monkeypatch
):
  _writer(tmp_path, monkeypatch, "sleep 0.3; printf 0123")
  socket.setdefaulttimeout(0.1)
  try:
    with _decoder("any") as decoder:
      assert decoder.read(4) == b"0123"
  finally:
    socket.setdefaulttimeout(None)


def test_process_that_does_not_end_is_a_timeout(tmp_path):
  path = tmp_path / "never.wav"
  os.mkfifo(path)
  with _decoder(path) as decoder:
    with pytest.raises(ffmpeg.MediaError, match="timeout: ffmpeg does not end"):
      decoder.close(wait_s=0.1)


def test_version_is_that_of_the_program():
  said = subprocess.run(
    [ffmpeg.path(), "-version"], capture_output=True, text=True, check=True
  ).stdout
  assert said.startswith(f"ffmpeg version {ffmpeg.version()} ")
