"""What stands in an export beside the SavedModel, and how it is checked.

`signature.json` says what each signature takes and gives, at which rates the
network was trained, which outputs a fixed request must give, and the SHA-256
of every other file. Needs neither the run nor the networks.
"""

import hashlib
import json
import math
import os
import pathlib

import numpy as np

SIGNATURE_NAME = "signature.json"
CARD_NAME = "README.md"
GOLDEN_NAME = "golden.npz"
FORMAT = "tfvssl-export"
FORMAT_VERSION = 2


def load_description(folder: str | pathlib.Path) -> dict:
  """Returns signature.json of an export whose files are all unharmed.

  Raises:
    FileNotFoundError: there is no export in `folder`.
    ValueError: another format, or a file is missing or changed.
  """
  path = pathlib.Path(folder) / SIGNATURE_NAME
  if not path.is_file():
    raise FileNotFoundError(
      f"{path} does not exist; make an export with tfvssl.export --workdir."
    )
  try:
    description = json.loads(path.read_text(encoding="utf-8"))
    found = (description["format"], description["format_version"])
    files = dict(description["files"])
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(f"{path} cannot be read: {error!r}.") from error
  if found != (FORMAT, FORMAT_VERSION):
    raise ValueError(
      f"{path} has format {found[0]} {found[1]}; this program reads"
      f" {FORMAT} {FORMAT_VERSION}. Export again."
    )
  for name, expected in files.items():
    if not _inside(name) or not (path.parent / name).is_file():
      raise ValueError(f"{folder} lacks the file {name!r}; export again.")
    if digest(path.parent / name) != expected:
      raise ValueError(
        f"{folder}: {name} is not the file that was exported (SHA-256"
        " differs); export or copy it again."
      )
  return description


def write_description(description: dict, folder: pathlib.Path) -> None:
  """Writes the card and signature.json, with the digests of all files."""
  (folder / CARD_NAME).write_text(card(description), encoding="utf-8")
  complete = description | {"files": digests(folder)}
  (folder / SIGNATURE_NAME).write_text(
    json.dumps(complete, indent=1) + "\n", encoding="utf-8"
  )


def _inside(name):
  path = pathlib.PurePosixPath(name)
  return not path.is_absolute() and ".." not in path.parts


def digests(folder: pathlib.Path) -> dict[str, str]:
  """Returns the SHA-256 of every file below `folder` by relative path."""
  return {
    path.relative_to(folder).as_posix(): digest(path)
    for path in sorted(folder.rglob("*"))
    if path.is_file()
  }


def digest(path: pathlib.Path) -> str:
  """Returns the SHA-256 of a file."""
  result = hashlib.sha256()
  with open(path, "rb") as file:
    while block := file.read(1 << 20):
      result.update(block)
  return result.hexdigest()


def synchronise(folder: pathlib.Path) -> None:
  """Writes every file and folder below `folder`, itself included, to disk."""
  for path in [*folder.rglob("*"), folder]:
    synchronise_one(path)


def synchronise_one(path: pathlib.Path) -> None:
  """Writes one file or folder to disk."""
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def golden_request(
  signature: str, shape: tuple[int, ...], clips: int = 2
) -> np.ndarray:
  """Returns the fixed request that every export answers once, [clips, *shape].

  For sound, shape includes the extra samples.

  Bytes v_i = ((2654435761 i) mod 2**32) // 2**24 in row-major order, as they
  are (`video_uint8`), v / 255 (`video`) or v / 128 - 1 (`audio`).
  """
  index = np.arange(clips * math.prod(shape), dtype=np.uint64)
  values = (index * np.uint64(2654435761) % np.uint64(2**32)) >> np.uint64(24)
  values = values.astype(np.uint8).reshape(clips, *shape)
  if signature == "video_uint8":
    return values
  if signature == "video":
    return (values / 255).astype(np.float32)
  return (values / 128 - 1).astype(np.float32)


def card(description: dict) -> str:
  """Returns the model card, Markdown."""
  lines = [
    f"# {description['method']}, step {description['step']}",
    "",
    "A TensorFlow SavedModel; loading it needs TensorFlow only. It is a"
    " program: load models from people you trust.",
    "",
    "| signature | input | dtype | shape | values |",
    "|---|---|---|---|---|",
  ]
  for name, entry in description["signatures"].items():
    shape = ", ".join(map(str, entry["shape"]))
    if entry["extra_samples"]:
      shape += f" or {entry['shape'][-1] + entry['extra_samples']}"
    low, high = entry["range"]
    lines.append(
      f"| `{name}` | `{entry['input']}` | {entry['dtype']} |"
      f" [batch, {shape}] | {low:g} to {high:g} |"
    )
  dims = next(iter(description["signatures"].values()))["outputs"]
  lines += [
    "",
    f"`serving_default` is `{description['serving_default']}`. Outputs:"
    f" `backbone` [batch, {dims['backbone']}] (use it for classifiers) and"
    f" `embedding` [batch, {dims['embedding']}] (the space in which views of"
    " one clip meet). A batch holds 0 to"
    f" {description['max_batch_size']} clips. Wrong shapes, values out of"
    " range, NaN and infinity are refused with InvalidArgumentError.",
    "",
    "Tensors of another dtype are refused; NumPy arrays given to a named"
    " signature are cast to its dtype by TensorFlow without a word, so call"
    " the model itself, which chooses by dtype: `model(video)`.",
    "",
    *_preparation(description),
    "",
    "```python",
    "import tensorflow as tf",
    'model = tf.saved_model.load("' + "EXPORT" + '")  # this folder',
    "outputs = model(video)",
    "```",
    "",
  ]
  return "\n".join(lines)


def _preparation(description):
  lines = []
  if video := description["video"]:
    lines.append(
      f"Video: {video['num_frames']} frames at {video['frame_rate_hz']:g} per"
      f" second ({video['seconds']:g} s); bring the short side to"
      f" {video['record_short_side']} px, then bilinearly, without"
      f" antialiasing, to {video['short_side']} px; take the"
      f" centre {video['image_size']} x {video['image_size']}; RGB."
    )
  if audio := description["audio"]:
    lines.append(
      f"Sound: mono, {audio['sample_rate_hz']} Hz, {audio['num_samples']}"
      f" samples ({audio['seconds']:g} s); the spectrogram is computed in the"
      f" graph. Its last frames reach {audio['extra_samples']} samples"
      " further: give these too where the sound goes on, as in training;"
      " without them silence is put there."
    )
  return lines
