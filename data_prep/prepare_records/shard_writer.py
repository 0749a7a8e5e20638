"""Record folders that are whole at any moment, and the way to continue one.

  OUTPUT/.prepare/state.json        settings and inputs that it was begun with
  OUTPUT/.prepare/staged/N.*        the clips of input N, before their shard
  OUTPUT/.prepare/shards/K.json     what shard K holds; the shard is durable
  OUTPUT/[SPLIT/]clips-00000.tfrecord, manifest.json
  OUTPUT/report.json, quarantine.csv

The inputs of a shard are fixed before the first is decoded, and a shard holds
its clips in the order of the inputs: the bytes depend neither on the number of
workers nor on interruptions. An uncompressed TFRecord file is a sequence of
records, so staged files are joined by copying bytes.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil

from tfvssl.runtime import storage

STATE_FOLDER = ".prepare"
_BLOCK = 1 << 20


@dataclasses.dataclass
class Outcome:
  """What became of one input.

  Attributes:
    relative: the input's path for reports.
    split: its record folder.
    reason: why it is quarantined; empty where it was written.
    detail: one line more about that.
    clips: modalities of every clip, joined with '+'.
    labels: of its clips.
    bytes: of the staged records.
    sha256: of the staged records.
    tail_s: see encode_clip.Notes, like what has the same names there.
    silent: likewise.
    padded: likewise.
    remarks: likewise.
    skipped: likewise.
    clip_id: of the input, without the start of a clip.
    start_s: of its stretch, as text; empty where it is the whole file.
    end_s: likewise; empty for the file's end.
    digests: of every clip, see records.content.
  """

  relative: str
  split: str
  reason: str = ""
  detail: str = ""
  clips: list[str] = dataclasses.field(default_factory=list)
  labels: list[str] = dataclasses.field(default_factory=list)
  bytes: int = 0
  sha256: str = ""
  tail_s: float = 0.0
  silent: list[str] = dataclasses.field(default_factory=list)
  padded: list[str] = dataclasses.field(default_factory=list)
  remarks: list[str] = dataclasses.field(default_factory=list)
  skipped: list[list[str]] = dataclasses.field(default_factory=list)
  clip_id: str = ""
  start_s: str = ""
  end_s: str = ""
  digests: list[str] = dataclasses.field(default_factory=list)

  def row(self) -> dict[str, str]:
    """Returns what names the input in reports: path, id, start and end."""
    return {
      "path": self.relative,
      "id": self.clip_id,
      "start_s": self.start_s,
      "end_s": self.end_s,
    }


@dataclasses.dataclass
class ShardPlan:
  """One shard to be: its file, relative to the output, and its inputs."""

  file: str
  inputs: list[int]


def plan(
  splits: list[str], order: list[str], num_shards: int
) -> list[ShardPlan]:
  """Returns the shards of every split.

  Args:
    splits: of every input.
    order: a key of every input; its sorted order is that of the records, so
      that a hash spreads the labels over the shards.
    num_shards: of a split; at most one for each of its inputs.
  """
  shards = []
  for split in sorted(set(splits)):
    members = [i for i in range(len(splits)) if splits[i] == split]
    members.sort(key=lambda i: order[i])
    number = min(num_shards, len(members))
    for shard in range(number):
      begin, end = (len(members) * k // number for k in (shard, shard + 1))
      name = f"clips-{shard:05d}.tfrecord"
      shards.append(ShardPlan(os.path.join(split, name), members[begin:end]))
  return shards


@dataclasses.dataclass
class ShardResult:
  """A durable shard: what became of its inputs, and its file if it has one."""

  outcomes: list[Outcome]
  bytes: int = 0
  sha256: str = ""

  @property
  def clips(self) -> list[str]:
    """Modalities of every record, in order."""
    return [words for outcome in self.outcomes for words in outcome.clips]

  @property
  def digests(self) -> list[str]:
    """Digests of every record, in order; none where older versions made one."""
    found = [text for outcome in self.outcomes for text in outcome.digests]
    return found if len(found) == len(self.clips) else []


class Output:
  """The output folder of one preparation, locked against a second one."""

  def __init__(self, folder: storage.PathLike):
    self.folder = storage.Path(folder)
    self._state = self.folder / STATE_FOLDER
    self._held = contextlib.ExitStack()

  def lock(self) -> None:
    """Makes the folder and takes its lock, which ends with the process.

    Raises:
      ValueError: another preparation writes here.
    """
    self._state.mkdir(parents=True, exist_ok=True)
    (self._state / "staged").mkdir(exist_ok=True)
    (self._state / "shards").mkdir(exist_ok=True)
    try:
      self._held.enter_context(storage.lock(self._state / "lock"))
    except storage.InUseError as error:
      raise ValueError(
        f"{self.folder} is being written by process {error.owner}; wait for it"
        " or choose another `--output`."
      ) from error

  def begin(self, state: dict) -> None:
    """Checks that an earlier run had the same settings and inputs.

    Raises:
      ValueError: it had others; names the differences, and first of all
        another version of the rules by which media are read.
    """
    path = self._state / "state.json"
    state = json.loads(json.dumps(state))
    if path.is_file():
      old = json.loads(path.read_text(encoding="utf-8"))
      _check_rules(self.folder, old, state)
      changed = _differences(old, state)
      if changed:
        raise ValueError(
          f"{self.folder} was begun with other settings or inputs"
          f" ({'; '.join(changed[:5])}); choose another `--output` or remove"
          " the folder."
        )
    elif any(path.suffix == ".tfrecord" for path in storage.below(self.folder)):
      raise ValueError(
        f"{self.folder} holds records of another origin; choose another"
        " `--output`."
      )
    storage.write_text(path, json.dumps(state, indent=1))

  def staging_path(self, number: int) -> storage.Path:
    """Returns where a worker writes the records of input `number`."""
    return self._staged(number, f"{os.getpid()}.tmp")

  def stage(self, number: int, outcome: Outcome) -> None:
    """Keeps what stands at `staging_path`, if anything, for its shard."""
    path = self.staging_path(number)
    if outcome.clips:
      outcome.bytes, outcome.sha256 = storage.size(path), storage.digest(path)
      os.replace(path, self._staged(number, "tfrecord"))
    else:
      path.unlink(missing_ok=True)
    text = json.dumps(dataclasses.asdict(outcome))
    temporary = self._staged(number, f"{os.getpid()}.json.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, self._staged(number, "json"))

  def staged(self, number: int) -> Outcome | None:
    """Returns the outcome of input `number` where it can be used."""
    try:
      text = self._staged(number, "json").read_text(encoding="utf-8")
      outcome = Outcome(**json.loads(text))
      if outcome.clips:
        size = storage.size(self._staged(number, "tfrecord"))
        return outcome if size == outcome.bytes else None
      return outcome
    except (OSError, ValueError, TypeError):
      return None  # not there, or cut by a power loss: it is made again

  def finished(self, shard: ShardPlan) -> ShardResult | None:
    """Returns what a shard holds if its file is whole, else None."""
    try:
      tree = json.loads(self._shard(shard).read_text(encoding="utf-8"))
      tree["outcomes"] = [Outcome(**outcome) for outcome in tree["outcomes"]]
      result = ShardResult(**tree)
    except (OSError, ValueError, TypeError, KeyError):
      return None
    path = self.folder / shard.file
    if result.clips and not (
      path.is_file() and storage.digest(path) == result.sha256
    ):
      return None
    return result

  def write_shard(self, shard: ShardPlan) -> ShardResult | None:
    """Joins the staged inputs of a shard; durable on return.

    Returns:
      None where a staged input is missing or damaged; such an input counts
      as not yet done.
    """
    outcomes = []
    for number in shard.inputs:
      outcome = self.staged(number)
      if outcome is None or not self._is_whole(number, outcome):
        self._staged(number, "json").unlink(missing_ok=True)
        return None
      outcomes.append(outcome)
    result = ShardResult(outcomes)
    if result.clips:
      self._join(shard, result)
    tree = json.dumps(dataclasses.asdict(result))
    storage.write_text(self._shard(shard), tree)
    for number in shard.inputs:
      self._staged(number, "tfrecord").unlink(missing_ok=True)
      self._staged(number, "json").unlink(missing_ok=True)
    return result

  def _is_whole(self, number, outcome):
    path = self._staged(number, "tfrecord")
    return not outcome.clips or storage.digest(path) == outcome.sha256

  def _join(self, shard, result):
    """Writes the shard's file and fills in its size and digest."""
    path, digest = self.folder / shard.file, hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.new_file(path) as unfinished, unfinished.open("wb") as target:
      for number, outcome in zip(shard.inputs, result.outcomes, strict=True):
        for block in _blocks(self._staged(number, "tfrecord"), outcome.clips):
          digest.update(block)
          target.write(block)
      result.bytes, result.sha256 = target.tell(), digest.hexdigest()

  def finish(self) -> None:
    """Removes what only an unfinished preparation needs."""
    shutil.rmtree(self._state / "staged", ignore_errors=True)
    for path in [self.folder, *storage.below(self.folder)]:
      if path.is_dir():
        storage.remove_unfinished(path)
      elif path.name.endswith(".prepare-tmp"):  # of version 0.1.0
        path.unlink()

  def _staged(self, number, suffix):
    return self._state / "staged" / f"{number:08d}.{suffix}"

  def _shard(self, shard):
    return result_path(self.folder, shard.file)


def result_path(folder: storage.Path, file: str) -> storage.Path:
  """Returns where an output folder keeps the ShardResult of a shard's file."""
  name = file.replace(os.sep, "--")
  return folder / STATE_FOLDER / "shards" / f"{name}.json"


def _blocks(path, exists):
  if exists:
    with open(path, "rb") as file:
      while block := file.read(_BLOCK):
        yield block


def _check_rules(folder, old, new):
  """Raises ValueError where the folder was begun by other media rules.

  Manifests of before the rules had versions do not name one: it is 1.
  """
  before, now = (
    tree.get("config", {}).get("media_rules", 1) for tree in (old, new)
  )
  if before != now:
    raise ValueError(
      f"{folder} was begun by version {before} of the rules for pictures and"
      f" sound, this is version {now} (docs/media.md), and one folder must not"
      " mix them; choose another `--output`, or remove the folder."
    )


def _differences(old, new, prefix=""):
  """Returns one text `name: old -> new` for every value that differs."""
  lines = []
  for name in sorted(set(old) | set(new)):
    before, after = old.get(name), new.get(name)
    if isinstance(before, dict) and isinstance(after, dict):
      lines += _differences(before, after, f"{prefix}{name}.")
    elif before != after:
      lines.append(f"{prefix}{name}: {before} -> {after}")
  return lines
