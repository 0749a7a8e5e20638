"""Damaged inputs by the hundred: each is read, or refused as documented.

  python -m tests.fuzz KIND COUNT [FIRST]

Input number n of a kind is the same on every machine and in every run. The
process writes the number that it is at into the file `at`, so that one that
crashed or hung can be made again, and prints how inputs ended as JSON: by exit
code, and the traceback of every one that is a bug.
"""

import collections
import contextlib
import dataclasses
import json
import math
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

_SECONDS = 60
_ODD = (
  *(None, True, False, 0, -1, 1.5, 2**31, 2**70, -(2**70), 1e308),
  *(math.nan, math.inf, "", "x", "x" * 5000, "\x00", "\x1b[31m", "../../a"),
  *("/etc/passwd", "1e-3", "NaN", [], {}, [[]], [None], {"": {}}),
)


def damaged(data: bytes, draws: random.Random) -> bytes:
  """Returns `data` with one to three places changed."""
  for _ in range(draws.choice((1, 1, 1, 2, 3))):
    data = draws.choice(_DAMAGE)(bytearray(data), draws)
  return bytes(data)


def _flipped(data, draws):
  for _ in range(draws.choice((1, 2, 8, 40)) if data else 0):
    data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
  return data


def _cut(data, draws):
  return data[: draws.randrange(len(data) + 1)]


def _without_a_part(data, draws):
  begin, end = sorted(draws.randrange(len(data) + 1) for _ in range(2))
  return data[:begin] + data[end:]


def _with_a_part_twice(data, draws):
  begin, end = sorted(draws.randrange(len(data) + 1) for _ in range(2))
  return data[:end] + data[begin:]


def _with_noise(data, draws):
  place = draws.randrange(len(data) + 1)
  noise = draws.randbytes(draws.choice((1, 4, 300)))
  return data[:place] + noise + data[place + draws.choice((0, len(noise))) :]


def _with_zeros(data, draws):
  begin, end = sorted(draws.randrange(len(data) + 1) for _ in range(2))
  data[begin:end] = bytes(end - begin)
  return data


def _another(data, draws):
  del data
  return draws.choice((b"", b"\xef\xbb\xbf", b"\n", b"[" * 5000, b"null"))


_DAMAGE = (
  *(_flipped, _cut, _without_a_part, _with_a_part_twice),
  *(_with_noise, _with_zeros, _another),
)


def damaged_json(text: str, draws: random.Random) -> bytes:
  """Returns the text damaged, or with other values in one to three places."""
  if draws.random() < 0.3:
    return damaged(text.encode(), draws)
  tree = json.loads(text)
  for _ in range(draws.choice((1, 1, 2, 3))):
    tree = _changed(tree, draws)
  return json.dumps(tree).encode()


def _changed(tree, draws):
  """Returns the tree with a value changed, gone, or new."""
  if not isinstance(tree, (dict, list)) or not tree or draws.random() < 0.15:
    return draws.choice(_ODD)
  keys = list(tree) if isinstance(tree, dict) else range(len(tree))
  key = draws.choice(keys)
  if draws.random() < 0.1:
    del tree[key]
  elif isinstance(tree, dict) and draws.random() < 0.1:
    tree[draws.choice(("", "x", "class", "step", key + " "))] = tree[key]
  else:
    tree[key] = _changed(tree[key], draws)
  return tree


@contextlib.contextmanager
def _manifest(folder):
  from tests.data import record_fixture
  from tfvssl import views
  from tfvssl.data.records import reader

  record_fixture.tiny_records(folder, 4, 2, num_frames=2)
  path = folder / "manifest.json"
  text = path.read_text()

  def read(draws):
    path.write_bytes(damaged_json(text, draws))
    reader.open_for_views(folder, [views.RgbViewSpec()])

  yield read


@contextlib.contextmanager
def _csv(folder):
  from data_prep.prepare_records import captions
  from data_prep.prepare_records import sources

  for name in ("a.mp4", "b c.mp4", "d.mkv"):
    (folder / name).write_bytes(name.encode())
  text = (
    "path,label,start_s,end_s,id,text,split\n"
    "a.mp4,x,0,1.5,one,words,train\n"
    '"b c.mp4",y|x,,,two,"more, words",test\n'
    "d.mkv,x,3,4,three,w,train\na.mp4,z,2,5,four,w,test\n"
  )
  words = ("../a.mp4", "1e999", "-1", "nan", '"', "\x00", "\r", ",", "é", "|")
  path = folder / "list.csv"

  def read(draws):
    lines = text
    for _ in range(draws.choice((0, 1, 1, 2, 3))):
      cells = lines.split(",")
      cells[draws.randrange(len(cells))] = draws.choice(words)
      lines = ",".join(cells)
    path.write_bytes(
      damaged(lines.encode(), draws) if lines == text else lines.encode()
    )
    if draws.random() < 0.3:
      captions.read(path)
    else:
      sources.content_keys(sources.from_csv(path))

  yield read


@contextlib.contextmanager
def _override(folder):
  del folder
  from absl import flags

  from tfvssl.config import flag

  flag.define_config()
  names = (
    *("batch_size", "steps", "seed", "data.train_records", "schedule.peak"),
    *("method.narrow.num_frames", "method.narrow.crop.area", "method.broad"),
    *("method.broad['audio'].view.seconds", "runtime.strategy", "optimizer"),
    *("optimizer.rate_factors", "svm.grid_c", "method.loss_scale", "method"),
  )
  marks = "=.[]'\"{}()-_ \n\x00é09ae"

  def read(draws):
    name = draws.choice(names)
    value = draws.choice((*map(str, _ODD), "(1, 2)", "1,2", "gs://a", "cpu"))
    word = f"--config.{name}={value}"
    for _ in range(draws.choice((0, 0, 1, 2, 5))):
      place = draws.randrange(2, len(word) + 1)
      word = word[:place] + draws.choice(marks) + word[place:]
    try:
      flag.parse(["fuzz", "--config=configs/tiny_brave.py", word])
      flag.read_config()
    finally:
      flags.FLAGS.unparse_flags()
      for other in [n for n in flags.FLAGS if n.startswith("config.")]:
        delattr(flags.FLAGS, other)
      flags.FLAGS["config"].unparse()

  yield read


@contextlib.contextmanager
def _media(folder):
  from data_prep.prepare_records import encode_clip
  from data_prep.prepare_records import settings
  from data_prep.prepare_records import sources
  from tfvssl.data.media import ffmpeg

  made = [folder / f"a.{kind}" for kind in ("mp4", "mkv", "ts", "avi", "wav")]
  for path in made:
    sources_of = ["sine=duration=0.4"]
    if path.suffix != ".wav":
      sources_of.append("testsrc2=size=64x48:rate=25:duration=0.4")
    inputs = [w for name in sources_of for w in ("-f", "lavfi", "-i", name)]
    command = [ffmpeg.path(), "-v", "error", *inputs, str(path)]
    subprocess.run(command, check=True, timeout=60)
  contents = {path: path.read_bytes() for path in made}
  choices = settings.Settings(short_side=32, clip_seconds=5)

  def read(draws):
    source = draws.choice(made)
    path = folder / f"damaged{source.suffix}"
    path.write_bytes(damaged(contents[source], draws))
    clip = sources.of_file(path, folder)
    list(encode_clip.encode(clip, (), choices, encode_clip.Notes()))

  yield read


@contextlib.contextmanager
def _shard(folder):
  from tests import tiny_runs
  from tests.data import record_fixture
  from tfvssl.data import pipeline
  from tfvssl.data.records import damage
  from tfvssl.data.records import manifest
  from tfvssl.data.records import reader

  record_fixture.write_records(
    folder,
    [record_fixture.make_clip(n, num_frames=20) for n in range(4)],
    num_shards=1,
  )
  stored = manifest.load_manifest(folder)
  path = folder / stored.shards[0].file
  content = path.read_bytes()
  method = tiny_runs.method_config().build()

  def read(draws):
    changed = damaged(content, draws)
    path.write_bytes(changed)
    if draws.random() < 0.5:  # of a manifest that is as forged
      stored.shards[0].bytes = len(changed)
    stored.save(folder / manifest.MANIFEST_NAME)
    records = reader.open_for_views(folder, method.view_specs.values())
    batches = pipeline.training_dataset(
      records,
      method.sample_views,
      modalities=records.modalities,
      seed=0,
      start_position=0,
      batch_size=2,
      shuffle_buffer=2,
    )
    with damage.explained(records):
      for _ in batches.take(2):
        pass

  yield read


@contextlib.contextmanager
def _checkpoint(folder):
  import tensorflow as tf

  from tfvssl.train import checkpoint_store

  def state():
    return {"weights": tf.Variable(tf.zeros([300]))}

  whole = folder / "whole"
  for step in (1, 2):
    checkpoint_store.CheckpointStore(whole, state(), kept=5).save(step)

  def read(draws):
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(whole, run)
    files = sorted((run / "checkpoints/step-00000002").iterdir())
    path = draws.choice(files)
    if path.suffix == ".json":
      path.write_bytes(damaged_json(path.read_text(), draws))
    else:
      path.write_bytes(damaged(path.read_bytes(), draws))
    held = state()
    step = checkpoint_store.CheckpointStore(run, held, kept=5).restore_newest()
    assert step in (1, 2), f"restarted from {step}"

  yield read


@contextlib.contextmanager
def _metrics(folder):
  from tests import tiny_runs
  from tfvssl.runtime import storage
  from tfvssl.train import health_log
  from tfvssl.train import metrics_log
  from tfvssl.train import run_folder

  run_folder.write_config(tiny_runs.experiment(), storage.Path(folder))
  lines = [
    json.dumps({"step": n, "train/embedding_std/narrow": 0.5, "heldout/x": 1})
    for n in range(1, 6)
  ]
  log = folder / metrics_log.NAME

  def read(draws):
    changed = list(lines)
    number = draws.randrange(len(changed))
    changed[number] = damaged_json(changed[number], draws).decode(
      "utf-8", "surrogateescape"
    )
    text = "\n".join(changed) + "\n"
    log.write_bytes(text.encode("utf-8", "surrogateescape"))
    metrics_log.check_nothing_is_lost(storage.Path(folder))
    health_log.of_log(log, 32)
    metrics_log.truncate(storage.Path(folder), 3)
    metrics_log.append(storage.Path(folder), 4, {"a": 1.0})

  yield read


@contextlib.contextmanager
def _config(folder):
  from tests import tiny_runs
  from tfvssl.config import tree
  from tfvssl.train import run_folder

  path = folder / run_folder.CONFIG_NAME
  text = tree.text(tiny_runs.experiment())

  def read(draws):
    path.write_bytes(damaged_json(text, draws))
    run_folder.read_config(folder).validate()

  yield read


@contextlib.contextmanager
def _index(folder):
  import numpy as np

  from tfvssl.search import index

  path = folder / "index.npz"
  np.savez(
    path,
    path=np.array(["a.mp4", "b.mp4"]),
    start_s=np.array([0.0, 1.5]),
    has_video=np.array([True, True]),
    has_audio=np.array([False, True]),
    audio_s=np.array([0.0, 1.0]),
    video_embedding=np.ones([2, 4], np.float32),
    audio_embedding=np.ones([2, 4], np.float32),
    model=np.array("abc"),
    root=np.array("."),
  )
  content = path.read_bytes()

  def read(draws):
    path.write_bytes(damaged(content, draws))
    index.load_index(path)

  yield read


KINDS = {
  "manifest": _manifest,
  "csv": _csv,
  "override": _override,
  "media": _media,
  "shard": _shard,
  "checkpoint": _checkpoint,
  "metrics": _metrics,
  "config": _config,
  "index": _index,
}


@dataclasses.dataclass
class Outcomes:
  """How inputs ended.

  Attributes:
    codes: exit code to number of inputs; 0 where it was read.
    bugs: a line and the traceback of each that no code is documented for.
  """

  codes: collections.Counter = dataclasses.field(
    default_factory=collections.Counter
  )
  bugs: list[str] = dataclasses.field(default_factory=list)


def _hangs(number, frame):
  del number, frame
  raise RuntimeError(f"it took more than {_SECONDS} s")


def run(kind: str, count: int, first: int, at: pathlib.Path) -> Outcomes:
  """Reads inputs `first` to `first + count` of a kind; see the module."""
  from tfvssl.runtime import exit_codes
  from tfvssl.runtime import system_errors

  signal.signal(signal.SIGALRM, _hangs)
  found = Outcomes()
  with (
    tempfile.TemporaryDirectory() as name,
    KINDS[kind](pathlib.Path(name)) as read,
  ):
    for number in range(first, first + count):
      at.write_text(str(number))
      signal.alarm(_SECONDS)
      try:
        read(random.Random(f"{kind} {number}"))
        code = exit_codes.OK
      except Exception as error:
        code = system_errors.code_of(error)
        if code == exit_codes.BUG:
          found.bugs.append(f"{kind} {number}: {traceback.format_exc()}")
      finally:
        signal.alarm(0)
      found.codes[code] += 1
  return found


def main(argv: list[str]) -> int:
  """Prints how the inputs ended; see the module."""
  kind, count, first, at = [*argv[1:], "0", "at"][:4]
  found = run(kind, int(count), int(first), pathlib.Path(at))
  print(json.dumps({"codes": found.codes, "bugs": found.bugs}))
  return 1 if found.bugs else 0


if __name__ == "__main__":
  sys.exit(main(sys.argv))
