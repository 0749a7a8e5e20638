"""The binary as a user runs it."""

import base64
import re
import subprocess

import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_mmv_runs
from tests.data import record_fixture
from tfvssl.data.records import manifest

_CONFIG = """
from tests import tiny_runs

def get_config():
  return tiny_runs.experiment()
"""


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
  """Records whose second clip has an id that HTML must not interpret."""
  clips = [record_fixture.make_clip(seed, num_frames=20) for seed in range(3)]
  clips[1].clip_id = "<script>alert('x')</script>&.mp4"
  clips.append(record_fixture.make_clip(3, num_frames=5, modalities=("rgb",)))
  return record_fixture.write_records(
    tmp_path_factory.mktemp("records"), clips, num_shards=2, digests=True
  )


@pytest.fixture(name="inspect")
def _inspect():
  def run(*arguments) -> subprocess.CompletedProcess:
    return forked_binaries.run("data_prep.inspect_records", *arguments)

  return run


def _last_line(text):
  return text.strip().splitlines()[-1]


def test_what_is_in_the_folder(inspect, folder):
  done = inspect(f"--records={folder}")
  assert done.returncode == 0, done.stderr
  assert f"{folder}: 4 clips in 2 shards" in done.stdout
  assert "every byte checked" in done.stdout
  assert "modalities      audio in 3, rgb in 4" in done.stdout
  assert "silent sound    in 0 clips" in done.stdout
  assert "labels          down: 2, right: 2" in done.stdout
  assert "frame sizes     64x48: 4" in done.stdout
  assert "duration        0.20 to 0.80 s" in done.stdout
  assert re.search(r"image/frame_rate_hz +25\n", done.stdout)
  assert _last_line(done.stdout).startswith("next: python -m tfvssl.train")


def test_report_shows_every_view_and_escapes_ids(inspect, folder, tmp_path):
  config = tmp_path / "tiny.py"
  config.write_text(_CONFIG)
  report = tmp_path / "views.html"
  done = inspect(
    f"--records={folder}",
    f"--config={config}",
    f"--report={report}",
    "--clips=3",
  )
  assert done.returncode == 0, done.stderr
  assert _last_line(done.stdout) == f"next: open {report} in a browser"
  page = report.read_text(encoding="utf-8")
  assert "silent sound    in 0 clips" in page
  assert "<script" not in page
  assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;.mp4" in page
  assert "http" not in re.sub(r"base64,[^']*", "", page)  # self-contained
  images = re.findall(r"src='data:image/png;base64,([^']+)'", page)
  shapes = [tf.io.decode_png(base64.b64decode(image)).shape for image in images]
  # Each clip: 4 frames of 16 px side by side, and 25 frames of 40 mel bins.
  assert shapes == [(16, 64, 3), (40, 25, 3)] * 3
  # The sound starts with the pictures and lasts 0.5 s, they 0.32 s.
  assert page.count("--start:0.00%;--share:64.00%") == 3
  assert page.count("--start:0.00%;--share:100.00%") == 3
  extents = re.findall(r"<figcaption>\w+, ([\d.]+) to ([\d.]+) s<", page)
  for narrow, sound in zip(extents[::2], extents[1::2], strict=True):
    assert narrow[0] == sound[0]
    assert float(narrow[1]) - float(narrow[0]) == pytest.approx(0.32)
    assert float(sound[1]) - float(sound[0]) == pytest.approx(0.5)


def test_damage_ends_with_code_3_and_names_the_record(inspect, tmp_path):
  clips = [record_fixture.make_clip(0, num_frames=2)]
  folder = record_fixture.write_records(tmp_path / "r", clips, num_shards=1)
  path = folder / manifest.load_manifest(folder).shards[0].file
  content = bytearray(path.read_bytes())
  content[-100] ^= 1
  path.write_bytes(bytes(content))
  done = inspect(f"--records={folder}")
  assert done.returncode == 3
  assert f"{path}: record 0 at byte 0: its checksum" in done.stdout
  assert "problems, listed above; prepare it again" in _last_line(done.stderr)
  unread = inspect(f"--records={folder}", "--noverify")
  assert unread.returncode == 0
  assert "sizes checked" in unread.stdout


def test_missing_folder_ends_with_code_3(inspect, tmp_path):
  done = inspect(f"--records={tmp_path / 'none'}")
  assert done.returncode == 3
  assert "does not exist" in _last_line(done.stderr)


def test_unreadable_manifest_ends_with_code_3(inspect, tmp_path):
  (tmp_path / manifest.MANIFEST_NAME).write_text("{")
  done = inspect(f"--records={tmp_path}")
  assert done.returncode == 3
  assert "cannot be used" in _last_line(done.stderr)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ((), "--records is missing"),
    (("--records=x", "more"), "'more' is not a flag"),
    (("--records=x", "--report=y"), "--config and --report belong together"),
  ],
)
def test_wrong_flags_end_with_code_2(inspect, arguments, message):
  done = inspect(*arguments)
  assert done.returncode == 2
  assert message in done.stderr


_MMV_CONFIG = """
import dataclasses

from tests import tiny_mmv_runs
from tests import tiny_runs

def get_config():
  method = tiny_mmv_runs.method_config({words!r})
  return dataclasses.replace(tiny_runs.experiment(), method=method)
"""


def test_captions_are_counted_and_shown_as_the_network_reads_them(
  inspect, tmp_path
):
  clips = [
    record_fixture.make_clip(
      seed,
      num_frames=20,
      captions=[("A red <disc>!", 0.0, 0.5), ("a blue disc hums", 0.5, 0.8)],
    )
    for seed in range(2)
  ]
  clips[1].captions = ()
  folder = record_fixture.write_records(tmp_path / "r", clips, num_shards=1)
  words = tiny_mmv_runs.vocabulary(tmp_path)
  (tmp_path / "tiny.py").write_text(_MMV_CONFIG.format(words=words))
  done = inspect(
    f"--records={folder}",
    f"--config={tmp_path / 'tiny.py'}",
    f"--report={tmp_path / 'views.html'}",
  )
  assert done.returncode == 0, done.stderr
  assert "modalities      audio in 2, rgb in 2, text in 1\n" in done.stdout
  assert (
    "captions        2, such as 'A red <disc>!', 'a blue disc hums'\n"
    in done.stdout
  )
  page = (tmp_path / "views.html").read_text(encoding="utf-8")
  first, second = page.split("<h2>")[1:]
  assert "<p>0.00 to 0.50 s: A red &lt;disc&gt;!</p>" in first
  assert "<p>0.50 to 0.80 s: a blue disc hums</p>" in first
  assert re.search(
    r"<p>text, from 0\.\d\d s: &lt;unk&gt; red disc / &lt;unk&gt; blue disc"
    " hums</p>",
    first,
  )
  assert re.search(r"<p>text, from 0\.\d\d s: +/ *</p>", second)
  assert " s: a" not in second
  assert "2 captions nearest to the pictures, 4 words of each" in page
  assert "log-mel spectrogram of 0.25 s, 13 frames" in page
