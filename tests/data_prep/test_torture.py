"""A folder of awful files: every one is written or quarantined, by reason."""

import collections
import csv
import json
import os
import pathlib
import random
import shutil

import pytest

from tests.data_prep import outputs

HOSTILE_NAMES = (
  "with space.mp4",
  "new\nline.mp4",
  "ünï-漢.mp4",
  "quo'te\".mp4",
  "$(touch PWNED).mp4",
  ";touch PWNED;.mp4",
  "%03d.mp4",
  "-version.mp4",
  "x:y.mp4",
  "concat:a|b.mp4",
  "-i.mp4",
  "*.mp4",
)


@pytest.fixture(scope="module")
def torture(tmp_path_factory, make_clip) -> tuple[pathlib.Path, dict]:
  """The folder and, for every file, the expected reason; None if written."""
  root = tmp_path_factory.mktemp("torture")
  good = make_clip(root / "good.mp4", video=_source(2))
  expected = {"good.mp4": {None}}
  _add_garbage(root, expected)
  _add_cut_files(root, expected, make_clip)
  _add_odd_files(root, expected, make_clip)
  _add_playlists(root, expected)
  for name in HOSTILE_NAMES:
    shutil.copyfile(good, root / name)
    expected[name] = {None}
  shutil.copyfile(good, os.fsencode(root) + b"/bytes\xff.mp4")
  expected["bytes\\xff.mp4"] = {None}
  os.symlink("/etc/hostname", root / "link.mp4")
  expected["link.mp4"] = {"outside_input"}
  os.mkfifo(root / "pipe.mp4")  # no regular file: not an input
  return root, expected


def _source(seconds):
  return f"testsrc2=size=64x48:rate=25:duration={seconds}"


def _add_garbage(root, expected):
  noise = random.Random(1)
  (root / "random.mp4").write_bytes(noise.randbytes(20_000))
  (root / "text.mp4").write_text("no video\n" * 1000)
  (root / "zero.mp4").write_bytes(b"")
  (root / "notes.txt").write_text("about these files\n")
  expected |= {
    "random.mp4": {"unreadable"},
    "text.mp4": {"unreadable"},
    "zero.mp4": {"empty_file"},
    "notes.txt": {"not_media"},
  }


def _add_cut_files(root, expected, make_clip):
  for name, args in {
    "cut_late.mp4": (),
    "cut_early.mp4": ("-movflags", "+faststart"),
    "cut.mkv": (),
    "cut.avi": (),
  }.items():
    path = make_clip(root / name, *args, video=_source(4))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    expected[name] = {"truncated", "damaged"}
  expected["cut_late.mp4"] = {"unreadable"}
  expected["cut.mkv"] = {"truncated"}
  noise = random.Random(2)
  for count in (10, 200):
    path = make_clip(
      root / f"flip{count}.mp4", "-movflags", "+faststart", video=_source(4)
    )
    content = bytearray(path.read_bytes())
    begin = content.find(b"mdat") + 1000
    for _ in range(count):
      content[noise.randrange(begin, len(content))] ^= 1 << noise.randrange(8)
    path.write_bytes(content)
    expected[path.name] = {"damaged"}


def _add_odd_files(root, expected, make_clip):
  tone = "sine=duration=2"
  make_clip(root / "only_sound.m4a", video=None, audio=tone)
  make_clip(root / "no_sound.mkv")
  make_clip(root / "both.webm", "-c:v", "libvpx", audio=tone)
  make_clip(
    root / "vfr.mp4",
    "-vf",
    "select='lt(n,10)+gt(n,30)'",
    "-fps_mode",
    "vfr",
    video=_source(2),
  )
  make_clip(
    root / "bomb.mp4",
    "-frames:v",
    "1",
    "-pix_fmt",
    "gray",
    video="color=size=8192x4608:rate=1:duration=1",
  )
  make_clip(root / "thin.mp4", video="color=size=4096x2:rate=25:duration=1")
  expected |= {
    "only_sound.m4a": {"no_video"},
    "no_sound.mkv": {None},
    "both.webm": {None},
    "vfr.mp4": {None},
    "bomb.mp4": {"too_large"},
    "thin.mp4": {"too_large"},
  }


def _add_playlists(root, expected):
  (root / "concat.mp4").write_text("ffconcat version 1.0\nfile good.mp4\n")
  (root / "hls.mp4").write_text(
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ngood.mp4\n#EXT-X-ENDLIST\n"
  )
  expected["concat.mp4"] = {"format_refused"}
  # Which of the two depends on what the ffmpeg takes for a playlist.
  expected["hls.mp4"] = {"format_refused", "unreadable"}


@pytest.fixture(scope="module")
def prepared(torture, preparer, tmp_path_factory):
  """Output and exit code of a run over the folder."""
  output = tmp_path_factory.mktemp("torture_records")
  code = preparer.run(
    f"--input={torture[0]}",
    f"--output={output}",
    "--short_side=32",
    "--modalities=rgb,audio",
    "--num_workers=2",
  )
  return output, code, preparer.text()


def test_every_file_is_written_or_quarantined_with_its_reason(
  torture, prepared
):
  _, expected = torture
  output, code, log = prepared
  assert code == 0, log
  with open(output / "quarantine.csv", encoding="utf-8", newline="") as file:
    found = {row["path"]: row["reason"] for row in csv.DictReader(file)}
  wrong = {
    name: (found.get(name), reasons)
    for name, reasons in expected.items()
    if found.get(name) not in reasons
  }
  assert not wrong
  assert set(found) <= set(expected)
  report = json.loads((output / "report.json").read_text())
  assert report["input_count"] == len(expected)
  assert report["quarantined_count"] == len(found)
  assert report["written_count"] == len(expected) - len(found)
  assert report["reasons"] == dict(collections.Counter(found.values()))


def test_no_name_is_run_by_a_shell_and_no_traceback(torture, prepared, root):
  for folder in (torture[0], prepared[0], root):
    assert not list(folder.glob("*PWNED"))
  assert "Traceback" not in prepared[2]


def test_every_written_file_is_one_clip_of_its_length(
  torture, prepared, records_of
):
  records = records_of(prepared[0])
  frames = {
    record.context.feature["clip/id"].bytes_list.value[0].decode(): len(
      record.feature_lists.feature_list["image/encoded"].feature
    )
    for record in records
  }
  written = {name for name, reasons in torture[1].items() if reasons == {None}}
  assert set(frames) == written
  assert frames["good.mp4"] == 50
  assert frames["vfr.mp4"] == 50  # by time, though 29 pictures are stored


def test_last_line_names_the_next_command(prepared):
  lines = prepared[2].strip().splitlines()
  # Of 21 clips, say, batches of 10: none has one twice.
  assert lines[-1].startswith(
    "next: python -m tfvssl.train --config=tiny_brave"
    f" --workdir=RUN --config.data.train_records={prepared[0]}"
    " --config.batch_size="
  )
  assert any("estimate from" in line for line in lines)


def test_no_temporary_file_is_left(prepared):
  names = [path.name for path in prepared[0].rglob("*")]
  assert not [name for name in names if name.endswith(".tmp")]
  assert "staged" not in names


def test_too_many_quarantined_is_exit_4_but_records_are_written(
  tmp_path, preparer, make_clip
):
  make_clip(tmp_path / "in" / "good.mp4")
  (tmp_path / "in" / "bad.mp4").write_text("x")
  code = preparer.run(
    f"--input={tmp_path / 'in'}",
    f"--output={tmp_path / 'out'}",
    "--short_side=32",
    "--max_quarantined_share=0.3",
    "--modalities=rgb",
  )
  assert code == 4
  assert "50% of the inputs are quarantined" in preparer.text()
  assert "manifest.json" in outputs.files_of(tmp_path / "out")


def test_no_clip_at_all_is_exit_3_with_the_reasons(tmp_path, preparer):
  (tmp_path / "in").mkdir()
  (tmp_path / "in" / "a.txt").write_text("x")
  code = preparer.run(
    f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out'}"
  )
  assert code == 3
  assert "no clip in" in preparer.text()
  assert "1 not_media" in preparer.text()
