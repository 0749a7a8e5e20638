"""Clips that the preparation of another split of the dataset has decoded.

A record says nothing of its split, so that its bytes can be copied where the
settings, the classes and the input are the same.
"""

from collections.abc import Iterable
import dataclasses
import hashlib
import json
import os
import pathlib

from tfvssl.data.records import manifest as manifest_lib

from . import shard_writer


@dataclasses.dataclass
class _Piece:
  """The records of one input: a stretch of a shard."""

  path: pathlib.Path
  offset: int
  outcome: shard_writer.Outcome


class Decoded:
  """The decoded inputs of finished record folders, by what was decoded."""

  def __init__(
    self, folders: Iterable[pathlib.Path], config: dict, classes: list[str]
  ):
    """Reads what the folders say of themselves; others than these are left out.

    Args:
      folders: outputs of preparations.
      config: of the manifest; that of the folders must be the same.
      classes: likewise.
    """
    self._pieces: dict[str, _Piece] = {}
    config = json.loads(json.dumps(config))
    for folder in folders:
      try:
        self._add(folder, config, classes)
      except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
      ):
        continue  # unfinished or damaged: its inputs are decoded again

  def _add(self, folder, config, classes):
    state = json.loads(
      (folder / shard_writer.STATE_FOLDER / "state.json").read_text("utf-8")
    )
    inputs = {
      _key(described): described for described in state["inputs"].values()
    }
    by_path = {described[0]: key for key, described in inputs.items()}
    if len(by_path) < len(state["inputs"]):
      return  # pieces of one file: an outcome does not say which
    for split in sorted({described[2] for described in inputs.values()}):
      manifest = manifest_lib.load_manifest(folder / split)
      if (manifest.config, manifest.classes) != (config, classes):
        continue
      for shard in manifest.shards:
        self._add_shard(folder, f"{split}/{shard.file}", by_path)

  def _add_shard(self, folder, file, by_path):
    tree = json.loads(shard_writer.result_path(folder, file).read_text("utf-8"))
    offset = 0
    for fields in tree["outcomes"]:
      outcome = _outcome(fields)
      if outcome.clips:
        key = by_path[outcome.relative]
        self._pieces[key] = _Piece(folder / file, offset, outcome)
      offset += outcome.bytes

  def stage(
    self, described: list, output: shard_writer.Output, number: int
  ) -> bool:
    """Stages input `number` from another folder; returns if that was possible.

    Args:
      described: what the state of a preparation holds of the input.
      output: to stage in.
      number: of the input.
    """
    piece = self._pieces.get(_key(described))
    if piece is None:
      return False
    try:
      with open(piece.path, "rb") as file:
        end = piece.offset + piece.outcome.bytes
        if os.fstat(file.fileno()).st_size < end:
          return False
        file.seek(piece.offset)
        content = file.read(piece.outcome.bytes)
    except OSError:
      return False
    if hashlib.sha256(content).hexdigest() != piece.outcome.sha256:
      return False
    output.staging_path(number).write_bytes(content)
    outcome = dataclasses.replace(piece.outcome, split=described[2])
    output.stage(number, outcome)
    return True


def _outcome(fields):
  """Returns the Outcome; TypeError or ValueError where a field is damaged."""
  outcome = shard_writer.Outcome(**fields)
  for name, default in vars(shard_writer.Outcome("", "")).items():
    value = getattr(outcome, name)
    if type(value) is not type(default):
      raise TypeError(f"`{name}` holds {value!r:.40}")
    rows = value if name == "skipped" else [value]
    if isinstance(value, list) and not all(map(_is_texts, rows)):
      raise TypeError(f"`{name}` holds {value!r:.40}")
  if outcome.bytes < 0:
    raise ValueError(f"`bytes` ({outcome.bytes}) must be >= 0")
  return outcome


def _is_texts(row):
  return isinstance(row, list) and all(isinstance(x, str) for x in row)


def _key(described):
  """Returns all that is known of an input but its split, as text."""
  return json.dumps(described[:2] + described[3:])
