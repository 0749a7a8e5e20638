"""Which cells benchmarks.learning measures, in which order, on what."""

import dataclasses
import hashlib
import json
import re

from absl import logging

from benchmarks.learning import table
from benchmarks.learning import variants as learning_variants
from tfvssl.config import experiment as config
from tfvssl.config import moved
from tfvssl.config import tree as config_tree
from tfvssl.data.records import manifest
from tfvssl.demo import plan as demo_plan
from tfvssl.runtime import storage

_FEWEST_TRAIN, _FEWEST_TEST = 8, 10
EXPECTED_STEPS = 250
# Seconds of one cell of so many steps on one core, before any is measured.
_EXPECTED_S = {
  table.BASELINES: 30,
  table.RANDOM: 60,
  table.SUPERVISED: 100,
  "audio": 170,
  "flow": 230,
  "rgb_rc_2_views": 400,
  "rgb_rc_3_views": 500,
}
_EXPECTED_OTHER_S = 280
# Of an experiment, what decides no number of a cell, or is told beside it:
# paths, and the protocols that no cell runs.
_NOT_DECISIVE = (
  "class",
  "data",
  "logging",
  "seed",
  "steps",
  *(name for name in config.protocol_sections() if name != "svm"),
)

# Since version 0.1.0, with their defaults.
_LATER_FIELDS = {"optional": False, "record_rate_hz": 25.0}


@dataclasses.dataclass(frozen=True)
class Cell:
  """One network on one set of clips.

  Attributes:
    clips: name of the set.
    kind: a variant's name, or RANDOM, SUPERVISED, BASELINES.
    seed: of weights and draws.
  """

  clips: str
  kind: str
  seed: int = 0

  @property
  def name(self) -> str:
    """Name of its file."""
    if self.kind == table.BASELINES:
      return f"{self.clips}-{self.kind}"
    return f"{self.clips}-{self.kind}-seed{self.seed}"

  @property
  def is_variant(self) -> bool:
    """Whether something is pretrained for it."""
    return self.kind in learning_variants.VARIANTS

  @property
  def expected_s(self) -> float:
    """A guess at its time, good enough to foretell the rest."""
    return _EXPECTED_S.get(self.kind, _EXPECTED_OTHER_S)


def parse_records(words: list[str]) -> dict[str, tuple[str, str]]:
  """Returns (training folder, test folder) by the name of the set.

  Raises:
    ValueError: a value is not NAME=TRAIN,TEST, or a name comes twice.
  """
  sets = {}
  for word in words:
    match = re.fullmatch(r"([A-Za-z0-9_]+)=([^,]+),([^,]+)", word)
    if match is None or match[1] in sets:
      raise ValueError(
        f"--records={word} must be NAME=TRAIN,TEST with another NAME (letters,"
        " digits, _) each time, for example generated=R/train,R/test"
      )
    sets[match[1]] = (match[2], match[3])
  if not sets:
    raise ValueError(
      "--records is missing; for example --records=generated=R/train,R/test"
    )
  return sets


def steps_of(
  sets: dict[str, tuple[str, str]], steps: list[int]
) -> dict[str, int]:
  """Returns the steps of training by the name of the set.

  Args:
    sets: of `parse_records`.
    steps: one for all, or one for each.

  Raises:
    ValueError: another number of them.
  """
  if len(steps) not in (1, len(sets)):
    raise ValueError(
      f"--steps was given {len(steps)} times and --records {len(sets)} times;"
      " give it once, or once for each."
    )
  return dict(zip(sets, steps * len(sets)))


def plan(
  sets: dict[str, tuple[str, str]], seeds: int, comparison_seeds: int
) -> list[Cell]:
  """Returns all cells, the most important first.

  Variants for which a set has too few clips are left out.

  Args:
    sets: of `parse_records`.
    seeds: of what is compared with random weights.
    comparison_seeds: of all other variants.
  """
  first, *others = sets
  usable = {name: _usable_variants(*folders) for name, folders in sets.items()}
  against = learning_variants.AGAINST_RANDOM
  cells = _against_random(first, against[:2], usable, range(seeds))
  for name in others:
    cells += _against_random(name, against, usable, range(seeds))
  # Seed by seed, so that a run that was cut short has compared on every set.
  cells += [
    Cell(name, kind, seed)
    for seed in range(comparison_seeds)
    for name in sets
    for kind in (table.SUPERVISED, *usable[name])
  ]
  cells += _against_random(first, against, usable, range(seeds))
  return list({cell.name: cell for cell in cells}.values())


def _usable_variants(train, test):
  usable = []
  for name, variant in learning_variants.VARIANTS.items():
    counts = [
      demo_plan.usable_clips(storage.Path(folder), variant.modalities)
      for folder in (train, test)
    ]
    if counts[0] >= _FEWEST_TRAIN and counts[1] >= _FEWEST_TEST:
      usable.append(name)
    else:
      logging.warning(
        "%s is left out of %s: only %d training and %d test clips hold %s",
        name,
        train,
        *counts,
        variant.modalities,
      )
  return usable


def _against_random(name, variants, usable, seeds):
  kinds = [table.RANDOM]
  kinds += [variant for variant in variants if variant in usable[name]]
  return [Cell(name, table.BASELINES)] + [
    Cell(name, kind, seed) for seed in seeds for kind in kinds
  ]


def experiment(
  cell: Cell, folders: tuple[str, str], steps: int
) -> config.Experiment:
  """Returns the run of a cell; that of rgb_rc where nothing is pretrained.

  Args:
    cell: of a set.
    folders: of training and test.
    steps: of training.
  """
  return learning_variants.experiment(
    cell.kind if cell.is_variant else "rgb_rc",
    train_records=folders[0],
    steps=steps,
    seed=cell.seed,
  )


def choices(
  cell: Cell, folders: tuple[str, str], steps: int
) -> dict[str, str | int]:
  """Returns what a cell is made of, but for its seed; see `read_all`.

  `shared_config` is a digest of what all variants have in common, `config` of
  all that decides the cell; no path is part of them.
  """
  run = _as_in_version_0_1(
    config_tree.to_tree(experiment(cell, folders, steps))
  )
  tree = {name: run[name] for name in run if name not in _NOT_DECISIVE}
  tree["shuffle_buffer"] = run["data"]["shuffle_buffer"]
  narrow = {**tree, "method": {**tree["method"], "broad": {}}}
  return {
    "steps": steps,
    "train_records": _records_digest(folders[0]),
    "test_records": _records_digest(folders[1]),
    # How many clips hold what a variant needs bounds its batch.
    "shared_config": _digest({**narrow, "batch_size": 0}),
    "config": _digest(tree if cell.is_variant else narrow),
  }


def _as_in_version_0_1(tree):
  """Returns the tree of a config as version 0.1.0 wrote it.

  So that cells of a workdir stay valid: where a class stands and what a field
  is called decides nothing, nor does a later field that has its default.
  """
  if isinstance(tree, list):
    return [_as_in_version_0_1(value) for value in tree]
  if not isinstance(tree, dict):
    return tree
  found = dict(
    moved.field_of_version_0_1(name, _as_in_version_0_1(value))
    for name, value in tree.items()
    if name not in _LATER_FIELDS or value != _LATER_FIELDS[name]
  )
  if "class" in found:
    found["class"] = moved.place_of_version_0_1(found["class"])
  return found


def _records_digest(folder):
  """Returns a digest of the folder's shards, whatever the path to it."""
  return _digest(
    [shard.sha256 for shard in manifest.load_manifest(folder).shards]
  )


def _digest(tree):
  text = json.dumps(tree, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def path(cell: Cell, workdir: storage.Path) -> storage.Path:
  """Returns the file of a cell."""
  return workdir / "cells" / f"{cell.name}.json"


def is_done(
  cell: Cell, asked: dict[str, str | int], workdir: storage.Path
) -> bool:
  """Returns whether the cell's file is there.

  Args:
    cell: to look for.
    asked: of `choices`.
    workdir: of the benchmark.

  Raises:
    ValueError: it is, but was made of other records, steps or settings.
  """
  file = path(cell, workdir)
  if not file.exists():
    return False
  found = json.loads(file.read_text(encoding="utf-8"))["choices"]
  if found != asked:
    different = ", ".join(
      f"{name} {found.get(name)} instead of {value}"
      for name, value in asked.items()
      if found.get(name) != value
    )
    raise ValueError(
      f"{file} was made with other choices ({different}); take another"
      " --workdir or remove it."
    )
  return True


def write(result: dict, file: storage.Path) -> None:
  """Writes the result of a cell; the file appears whole."""
  file.parent.mkdir(parents=True, exist_ok=True)
  storage.write_text(file, json.dumps(result, indent=1) + "\n")


def read_all(workdir: storage.Path, names: list[str]) -> list[dict]:
  """Returns the results that are there, by the order of the sets' names.

  Raises:
    ValueError: two of them are not of one table: steps, records and shared
      configuration must agree in those of a set, the whole configuration in
      those of a set and kind.
  """
  results, firsts = [], {}
  for file in sorted((workdir / "cells").glob("*.json")):
    result = json.loads(file.read_text(encoding="utf-8"))
    if result["set"] in names:
      results.append(result)
      _check_agreement(file, result, firsts)
  return sorted(results, key=lambda result: names.index(result["set"]))


def _check_agreement(file, result, firsts):
  """Holds the cell to the first file of each group, which `firsts` keeps."""
  of_set = (result["set"],)
  groups = {
    "steps": of_set,
    "shared_config": of_set,
    "train_records": of_set,
    "test_records": of_set,
    "config": (*of_set, result["kind"]),
  }
  for name, group in groups.items():
    value = result["choices"].get(name)
    if value is None:
      raise ValueError(
        f"{file} does not say its `{name}`: an older version of the benchmark"
        " wrote it; remove it or take another --workdir."
      )
    first, expected = firsts.setdefault((name, group), (file, value))
    if value != expected:
      raise ValueError(
        f"{file} and {first.name} cannot stand in one table (`{name}` {value}"
        f" and {expected}); remove one of them or take another --workdir."
      )
