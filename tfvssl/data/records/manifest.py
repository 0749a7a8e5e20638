"""manifest.json: what a record folder holds, shard by shard."""

import dataclasses
import json

from tfvssl.data.records import schema
from tfvssl.runtime import storage

MANIFEST_NAME = "manifest.json"
UNCHANGED = "="  # behind the part of a digest that does not change
SOUND = {"audio", "spectrogram"}
_NAME_BYTES = 255  # of a file, on every common disk


@dataclasses.dataclass
class Shard:
  """One file of the manifest.

  Attributes:
    modalities: for every record, in order, its words joined with '+'; so a
      run knows which records it can use before it reads one.
    digests: for every record, what it shows and sounds like, see `content`;
      none in folders of older versions, which say nothing of silence.
  """

  file: str
  record_count: int
  bytes: int
  sha256: str
  modalities: list[str]
  digests: list[str] = dataclasses.field(default_factory=list)

  def silent(self) -> list[bool]:
    """Returns for every record whether it is known to have silent sound."""
    if not self.digests:
      return [False] * len(self.modalities)
    return [has_silent_sound(digest) for digest in self.digests]


@dataclasses.dataclass
class Manifest:
  """manifest.json: what a record folder holds.

  Attributes:
    empty_classes: those of `classes` that no clip was kept of, in no split.
  """

  schema_version: int
  clip_count: int
  classes: list[str]
  config: dict
  config_hash: str
  shards: list[Shard]
  empty_classes: list[str] = dataclasses.field(default_factory=list)

  def held(self, use_silent_sound: bool = True) -> list[set[str]]:
    """Returns the words of every clip; silent sound may count as none."""
    unheard = set() if use_silent_sound else SOUND
    return [
      set(words.split("+")) - (unheard if silent else set())
      for shard in self.shards
      for words, silent in zip(shard.modalities, shard.silent(), strict=True)
    ]

  def to_json(self) -> str:
    """Returns the text of manifest.json."""
    return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

  def save(self, path: storage.Path) -> None:
    """Writes the manifest as JSON; not durable."""
    path.write_text(self.to_json(), encoding="utf-8")


def has_silent_sound(digest: str) -> bool:
  """Returns whether a clip of this digest has sound that is silent."""
  return any(
    word.endswith(UNCHANGED) and word.partition(":")[0] in SOUND
    for word in digest.split()
  )


def load_manifest(folder: storage.PathLike) -> Manifest:
  """Reads the manifest of a record folder.

  Raises:
    FileNotFoundError: the folder has no manifest.
    ValueError: it cannot be read, or has another schema version.
  """
  path = storage.Path(folder) / MANIFEST_NAME
  if not path.is_file():
    inside = sorted(p.parent.name for p in path.parent.glob("*/manifest.json"))
    if inside:
      raise FileNotFoundError(
        f"{path} does not exist, but there are records in its folders"
        f" {', '.join(inside)}; name one of them."
      )
    raise FileNotFoundError(
      f"{path} does not exist; make records with tfvssl prepare"
      " (an interrupted run continues when it is started again)."
    )
  try:
    tree = json.loads(path.read_text(encoding="utf-8"))
    version = tree["schema_version"]
    if version != schema.SCHEMA_VERSION:
      raise ValueError(
        f"schema version {version!r:.40}, this program reads"
        f" {schema.SCHEMA_VERSION}; prepare the records again"
      )
    shards = [Shard(**shard) for shard in tree.pop("shards")]
    manifest = Manifest(shards=shards, **tree)
    _check_kinds(manifest)
    return manifest
  except (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
  ) as error:
    raise ValueError(f"{path} cannot be used: {error!s}.") from error


def _check_kinds(manifest):
  """Raises TypeError or ValueError for the first field that is wrong."""
  fields = [
    ("clip_count", manifest.clip_count, int),
    ("classes", manifest.classes, list),
    ("empty_classes", manifest.empty_classes, list),
    ("config", manifest.config, dict),
    ("config_hash", manifest.config_hash, str),
    *(("classes", name, str) for name in manifest.classes),
    *(("empty_classes", name, str) for name in manifest.empty_classes),
  ]
  names: set[str] = set()
  for shard in manifest.shards:
    _check_name(shard.file, names)
    if shard.digests and len(shard.digests) != len(shard.modalities):
      raise ValueError(
        f"`digests` of {shard.file} are {len(shard.digests)}, its clips"
        f" {len(shard.modalities)}"
      )
    names.add(shard.file)
    fields += [
      ("record_count", shard.record_count, int),
      ("bytes", shard.bytes, int),
      ("sha256", shard.sha256, str),
      ("modalities", shard.modalities, list),
      ("digests", shard.digests, list),
      *(("modalities", words, str) for words in shard.modalities),
      *(("digests", text, str) for text in shard.digests),
    ]
  for name, value, kind in fields:
    if type(value) is not kind:  # true is not a number
      raise TypeError(f"`{name}` holds {value!r:.40}, not {kind.__name__}")
    if isinstance(value, int) and not 0 <= value < 1 << 62:
      raise ValueError(f"`{name}` ({value!r:.40}) must be a count >= 0")


def _check_name(name, others):
  """Raises for the name of a shard that is not a name or is one of `others`."""
  if (
    storage.Path(name).name != name
    or name in ("", "..")
    or "\0" in name
    or len(name.encode("utf-8")) > _NAME_BYTES
  ):
    raise TypeError(
      f"`file` ({name!r:.40}) is not a plain file name of at most"
      f" {_NAME_BYTES} bytes"
    )
  if name in others:
    raise ValueError(f"`file` ({name!r:.40}) stands twice")
