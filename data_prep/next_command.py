"""The command that comes after records: the training that suits them."""

from tfvssl import views
from tfvssl.config import sound
from tfvssl.data.records import manifest as manifests
from tfvssl.runtime import storage

BATCH_SIZE = 64  # of the tiny BraVe runs
# Modalities to the flag of the recipe for them, and its broad view.
TRAININGS = {
  ("rgb", "audio"): ("--config=tiny_brave", "audio"),
  ("rgb", "flow"): ("--config=tiny_brave_flow", "flow"),
  ("rgb",): ("--config=tiny_brave_rgb", "rgb"),
}
_TEST = "test"


def after_records(folder: storage.Path) -> list[str]:
  """Returns the words after `python -m` of what suits a record folder.

  Args:
    folder: of records; those in `test` beside it are held out.
  """
  manifest = manifests.load_manifest(folder)
  clips = manifest.held(use_silent_sound=False)  # as a training has it
  if manifest.config.get("images"):
    return ["tfvssl.deflate", "--workdir=RUN", f"--records={folder}"]
  if any("text" in held for held in clips) and _count(clips, "rgb", "audio"):
    return [
      "tfvssl",
      "vocabulary",
      f"--records={folder}",
      "--output=words.txt",
    ]
  for needed, (recipe, broad) in TRAININGS.items():
    if count := _count(clips, *needed):
      flags = [recipe, "--workdir=RUN"]
      flags += of_data(folder)
      flags += _batch_flags(count, BATCH_SIZE)
      return ["tfvssl.train", *flags, *_rates(manifest.config, broad)]
  return [
    "tfvssl.evaluate",
    "--workdir=RUN",
    "--protocol=svm",
    "--modality=audio",
    f"--train_records={folder}",
    f"--test_records={held_out(folder) or 'TEST'}",
  ]


def _count(clips, *needed):
  return sum(held.issuperset(needed) for held in clips)


def batch_flags(
  folders: list[storage.Path], needed: tuple[str, ...], size: int
) -> list[str]:
  """Returns the flag of a batch that has no clip twice; none if `size` is one.

  Args:
    folders: of records, of which a batch has equal parts.
    needed: words of what a clip must hold.
    size: of the recipe.
  """
  counts = [
    _count(manifests.load_manifest(x).held(use_silent_sound=False), *needed)
    for x in folders
  ]
  return _batch_flags(min(counts), size, len(counts))


def _batch_flags(count, size, parts=1):
  few = count * parts < size
  return [f"--config.batch_size={max(count // 2, 1) * parts}"] if few else []


def of_data(
  folder: storage.Path, second: storage.Path | None = None
) -> list[str]:
  """Returns the flags by which a training is told its records.

  Args:
    folder: that is learned from; what lies in `test` beside it is held out.
    second: of which half of every batch comes.
  """
  flags = [f"--config.data.train_records={folder}"]
  if second:
    flags.append(f"--config.data.second_train_records={second}")
  if test := held_out(folder):
    flags.append(f"--config.data.heldout_records={test}")
  return flags


def held_out(folder: storage.Path) -> storage.Path | None:
  """Returns the records beside `folder` that are for the test, if any."""
  test = folder.parent / _TEST
  has_some = (test / manifests.MANIFEST_NAME).is_file()
  return test if has_some and folder.name != _TEST else None


def _rates(config, broad):
  """Returns how views are told that the records have other rates."""
  flags = []
  rate_hz = config.get("frame_rate_hz", views.FRAME_RATE_HZ)
  if rate_hz != views.FRAME_RATE_HZ:
    names = ["narrow", *([] if broad == "audio" else [f"broad.{broad}.view"])]
    flags += [
      f"--config.method.{name}.record_rate_hz={rate_hz:g}" for name in names
    ]
  usual_hz = sound.SpectrogramSpec().sample_rate_hz
  rate_hz = config.get("sample_rate_hz", usual_hz)
  if rate_hz != usual_hz and broad == "audio":
    kind = "--config.method.broad.audio.view.spectrogram"
    flags.append(f"{kind}.sample_rate_hz={rate_hz}")
  return flags
