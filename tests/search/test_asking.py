"""What may be asked, and by which stream; silence is told from quiet."""

import pathlib
import wave

import numpy as np
import pytest

from tfvssl.runtime import exit_codes
from tfvssl.search import asking


@pytest.mark.parametrize(
  ("query", "by", "reads", "error", "message"),
  [
    ("setup.py", "rhyme", True, ValueError, "--by=rhyme must be one of video,"),
    (
      "red disc",
      None,
      False,
      ValueError,
      "'red disc' is not a file, and EXPORT has no text network",
    ),
    ("red", "audio", True, ValueError, "but 'red' is a sentence; leave"),
    (
      pathlib.Path("no.mp4"),
      None,
      True,
      FileNotFoundError,
      "no.mp4 is not a file; give a sentence as a string",
    ),
  ],
)
def test_what_cannot_be_asked_is_one_line(query, by, reads, error, message):
  with pytest.raises(error, match=message):
    asking.check(query, by, reads, "EXPORT")


def test_what_can_be_asked_passes():
  asking.check("setup.py", "both", False, "EXPORT")
  asking.check(pathlib.Path("setup.py"), None, False, "EXPORT")
  asking.check("red disc", None, True, "EXPORT")


@pytest.mark.parametrize(
  ("has_video", "has_audio", "by", "expected"),
  [
    ([True], [True], None, ("video",)),
    ([False], [True], None, ("audio",)),
    ([True, True], [True, False], "audio", ("audio",)),
    ([True], [True], "both", ("video", "audio")),
  ],
)
def test_file_is_asked_by_what_it_has(has_video, has_audio, by, expected):
  table = {"has_video": np.array(has_video), "has_audio": np.array(has_audio)}
  assert asking.modalities("a.mp4", table, by) == expected


def test_file_without_what_it_is_asked_by_is_named():
  table = {"has_video": np.array([True]), "has_audio": np.array([False])}
  with pytest.raises(
    exit_codes.UserError, match="--by=both, but a.mp4 has no sound that"
  ) as caught:
    asking.modalities("a.mp4", table, "both")
  assert caught.value.exit_code == exit_codes.DATA
  table["has_video"], table["has_audio"] = table["has_audio"], np.array([True])
  with pytest.raises(exit_codes.UserError, match="b.wav has no pictures that"):
    asking.modalities("b.wav", table, "video")


def test_only_zeros_are_silence(tmp_path):
  for last, silent in ((0, True), (1, False)):
    path = tmp_path / f"{last}.wav"
    samples = np.zeros(16_000, "<i2")
    samples[-1] = last
    with wave.open(str(path), "wb") as file:
      file.setparams((1, 2, 16_000, 0, "NONE", ""))
      file.writeframes(samples.tobytes())
    assert asking.is_silent(str(path), 16_000) == silent
  table = {"has_video": np.array([True]), "has_audio": np.array([False])}
  for name, said in (
    ("0", ": it is digital silence; leave"),
    ("1", "s; leave"),
  ):
    with pytest.raises(exit_codes.UserError, match=f"model take.*{said} out"):
      asking.modalities(str(tmp_path / f"{name}.wav"), table, "audio")
