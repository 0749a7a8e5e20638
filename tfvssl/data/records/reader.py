"""Record folders: which clips a run can use, and what is wrong with one."""

from collections.abc import Collection, Iterable, Mapping
import dataclasses
import math

from absl import logging
import numpy as np

from tfvssl import views
from tfvssl.config import view as view_kinds
from tfvssl.data.records import contexts
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema
from tfvssl.runtime import storage

_MOST_LINES = 20


@dataclasses.dataclass
class Records:
  """A record folder that has been checked for one run.

  Attributes:
    folder: of the shards.
    manifest: what they hold.
    modalities: which every usable clip holds, and those of `absent`.
    usable: bool [clip_count], in the order of the manifest.
    skipped: modality word -> how many clips lack it.
    rates: `flow/bound_px`, `image/frame_rate_hz` and the like, as the records
      hold them.
    absent: word of an optional modality -> how many usable clips lack it;
      zeros and a mask stand for it.
    may_lack: of `modalities`, what a usable clip may lack.
    use_silent_sound: whether silent sound counts as sound.
    bad: of `bad_records.find`; these records are never read.
  """

  folder: storage.Path
  manifest: manifest_lib.Manifest
  modalities: set[views.Modality]
  usable: np.ndarray
  skipped: dict[str, int]
  rates: dict[str, float]
  absent: dict[str, int] = dataclasses.field(default_factory=dict)
  may_lack: frozenset[views.Modality] = frozenset()
  use_silent_sound: bool = True
  bad: Mapping[str, Mapping[int, int]] = dataclasses.field(default_factory=dict)

  @property
  def usable_count(self) -> int:
    return int(self.usable.sum())

  @property
  def skipped_count(self) -> int:
    return len(self.usable) - self.usable_count

  @property
  def classes(self) -> list[str]:
    """Names of the labels; a label is an index into them."""
    return self.manifest.classes

  @property
  def muted(self) -> np.ndarray:
    """Which clips have sound that counts as none, bool [clip_count]."""
    if self.use_silent_sound:
      return np.zeros(len(self.usable), bool)
    shards = self.manifest.shards
    return np.array([x for shard in shards for x in shard.silent()], bool)

  @property
  def paths(self) -> list[str]:
    """Paths of the shards, in the order of the manifest."""
    return [str(self.folder / shard.file) for shard in self.manifest.shards]

  @property
  def offsets(self) -> np.ndarray:
    """The sample_index of each shard's first record, int64 [shards]."""
    counts = [shard.record_count for shard in self.manifest.shards]
    return np.cumsum([0] + counts, dtype=np.int64)[:-1]

  def usable_by_shard(self) -> list[tuple[str, np.ndarray]]:
    """Returns path and usable clips, bool [n], of every shard."""
    parts = np.split(self.usable, self.offsets[1:])
    return list(zip(self.paths, parts, strict=True))

  def usable_per_shard(self) -> np.ndarray:
    """Returns how many usable clips each shard holds, int64 [shards]."""
    before = np.concatenate([[0], np.cumsum(self.usable, dtype=np.int64)])
    counts = [shard.record_count for shard in self.manifest.shards]
    return before[self.offsets + counts] - before[self.offsets]

  def shards_for_host(self, host: int, num_hosts: int) -> np.ndarray:
    """Returns the numbers of the shards that hold clips for one host.

    Raises:
      ValueError: a host would have no clip.
    """
    shards = np.flatnonzero(self.usable_per_shard())
    if len(shards) < num_hosts:
      raise ValueError(
        f"{self.folder} has {len(shards)} shards with usable clips, fewer"
        f" than the {num_hosts} hosts; prepare the records with at least"
        f" {num_hosts} shards."
      )
    return shards[host::num_hosts]

  def usable_for_host(self, host: int, num_hosts: int) -> int:
    """Returns how many clips one pass of one host has."""
    shards = self.shards_for_host(host, num_hosts)
    return int(self.usable_per_shard()[shards].sum())

  def check_rate(self, name: str, expected: float) -> None:
    """Raises ValueError if the records' rate or bound is another."""
    found = self.rates.get(name, expected)
    if not math.isclose(found, expected, rel_tol=1e-5):
      raise ValueError(
        f"the records of {self.folder} have `{name}` {found:g} but the config"
        f" asks for {expected:g}; change the config or prepare the records"
        " again."
      )


def modalities_for(
  spec: views.ViewSpec, manifest: manifest_lib.Manifest
) -> set[views.Modality]:
  """Returns what is read of a record for a view.

  A log-mel view: the packed spectrogram if it was made as `spec` asks, else
  the waveform.

  Raises:
    TypeError: `spec` is of no known kind.
  """
  if not spec.modalities:
    raise TypeError(view_kinds.unknown_kind(spec))
  kind = spec.packed_spectrogram
  is_packed = views.Modality.SPECTROGRAM in _words(manifest)
  packed = manifest.config.get("spectrogram")
  if kind is not None and is_packed and packed == kind.to_manifest():
    return {views.Modality.SPECTROGRAM}
  return set(spec.modalities)


def open_for_views(
  folder: storage.PathLike,
  specs: Iterable[views.ViewSpec],
  *,
  may_lack_all: bool = False,
  use_silent_sound: bool = True,
  bad: Mapping[str, Mapping[int, int]] = {},
) -> Records:
  """Returns the records of a folder for views of these kinds.

  A clip may lack what only views ask for that are `optional`; they are counted
  in one line.

  Args:
    folder: of prepare_records.
    specs: of the views.
    may_lack_all: whether even all clips may lack it, as where these are
      second to other records.
    use_silent_sound: see `open_records`.
    bad: see Records.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: as `open_records`, or a rate or the flow's bound is not what a
      spec asks for.
  """
  specs = list(specs)
  manifest = manifest_lib.load_manifest(folder)
  needed: set[views.Modality] = set()
  optional: set[views.Modality] = set()
  for spec in specs:
    found = modalities_for(spec, manifest)
    (optional if spec.optional else needed).update(found)
    if spec.packed_spectrogram is not None:
      _check_sound(folder, manifest, spec)
  optional -= needed
  records = open_records(
    folder,
    needed,
    () if may_lack_all else optional,
    use_silent_sound=use_silent_sound,
    bad=bad,
  )
  records.modalities.update(optional)
  records.may_lack = frozenset(optional)
  for spec in specs:
    _check_rates(records, spec)
  return records


def _check_rates(records, spec):
  """Raises ValueError where the records count otherwise than a view."""
  for modality in sorted(modalities_for(spec, records.manifest), key=str):
    expected = spec.rate_of(modality)
    if expected is not None:
      records.check_rate(schema.RATES[modality], expected)
    if modality == views.Modality.FLOW:
      records.check_rate("flow/bound_px", spec.bound_px)
      from tfvssl.data.records import misfits  # few records have flow

      stored = int(records.rates["flow/short_side_px"])
      misfits.check_flow_size(records.folder, stored, spec)


def _check_sound(folder, manifest, spec):
  """Raises ValueError where only another spectrogram is packed, no sound."""
  words = _words(manifest)
  if modalities_for(spec, manifest) <= words or (
    views.Modality.SPECTROGRAM not in words
  ):
    return
  from tfvssl.data.records import misfits

  raise ValueError(misfits.of_spectrogram(folder, manifest, spec))


def _words(manifest):
  """Returns the modalities that any clip holds."""
  words = set().union(*manifest.held())
  return {modality for modality in views.Modality if modality.value in words}


def open_records(
  folder: storage.PathLike,
  modalities: set[views.Modality],
  optional: Collection[views.Modality] = (),
  *,
  use_silent_sound: bool = True,
  bad: Mapping[str, Mapping[int, int]] = {},
) -> Records:
  """Returns the folder's records after a check that reads no payload.

  Files, sizes, schema version, configuration and rates are compared with the
  manifest. What the records themselves hold is checked by `verify`.

  Args:
    folder: of prepare_records.
    modalities: that a clip must hold to be used.
    optional: that one usable clip at least must hold.
    use_silent_sound: whether silent sound counts as sound.
    bad: see Records.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: the folder differs from its manifest; all differences are in
      the message. Or no clip holds all modalities.
  """
  folder = storage.Path(folder)
  manifest = manifest_lib.load_manifest(folder)
  differences, rates = contexts.compare_beginnings(folder, manifest, bad)
  if differences:
    raise ValueError(
      f"{folder} is not what its {manifest_lib.MANIFEST_NAME} says:"
      f" {_enumerate(differences)}. Prepare the records again, or restore"
      " the files."
    )
  records = _choose_usable(folder, manifest, modalities, use_silent_sound, bad)
  records.rates = rates
  _count_absent(records, sorted(modality.value for modality in optional))
  records.modalities.update(optional)
  if any(records.skipped.values()):
    from tfvssl.data.records import skipped  # most folders have none

    shards = records.usable_by_shard()
    logging.warning(
      "%s", skipped.describe(folder, shards, records.skipped, bad)
    )
  return records


def _choose_usable(folder, manifest, modalities, use_silent_sound, bad):
  is_bad = [
    number in bad.get(shard.file, ())
    for shard in manifest.shards
    for number in range(shard.record_count)
  ]
  every = zip(manifest.held(use_silent_sound), is_bad, strict=True)
  held = [None if lost else words for words, lost in every]
  whole = [words for words in held if words is not None]
  needed = sorted(modality.value for modality in modalities)
  usable = np.array(
    [words is not None and set(needed) <= words for words in held], bool
  )
  skipped = {word: sum(word not in words for words in whole) for word in needed}
  silent = 0
  if not use_silent_sound:
    silent = sum(sum(shard.silent()) for shard in manifest.shards)
  if silent or (needed and not usable.any()):
    from tfvssl.data.records import skipped as words_of  # neither is common

    told = words_of.silent(silent)
    if needed and not usable.any():
      raise ValueError(words_of.all_clips(folder, len(whole), skipped, told))
    logging.info("%s: %d clips%s", folder, len(held), told)
  return Records(
    folder,
    manifest,
    set(modalities),
    usable,
    skipped,
    {},
    use_silent_sound=use_silent_sound,
    bad=bad,
  )


def _count_absent(records, optional):
  """Fills `absent` and says it in one line.

  Raises:
    ValueError: no usable clip holds one of `optional`.
  """
  held = records.manifest.held(records.use_silent_sound)
  for word in optional:
    lacking = sum(word not in held[i] for i in np.flatnonzero(records.usable))
    records.absent[word] = lacking
    if lacking == records.usable_count:
      from tfvssl.data.records import misfits

      silent = int(records.muted.sum())
      raise ValueError(misfits.of_absent(records.folder, lacking, silent, word))
  if any(records.absent.values()):
    counts = ", ".join(f"{n} lack {word}" for word, n in records.absent.items())
    logging.info(
      "%s: of %d usable clips %s; zeros stand for it",
      records.folder,
      records.usable_count,
      counts,
    )


def _enumerate(lines):
  shown = "; ".join(lines[:_MOST_LINES])
  rest = len(lines) - _MOST_LINES
  return f"{shown}; and {rest} more" if rest > 0 else shown
