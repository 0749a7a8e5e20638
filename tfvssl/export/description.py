"""What stands in an export beside the SavedModel, and how it is checked.

`signature.json` says what each signature takes and gives, at which rates the
network was trained, which outputs a fixed request must give, and the SHA-256
of every other file. Needs neither the run nor the networks.
"""

from collections.abc import Iterable
import json
import math

import numpy as np

from tfvssl.runtime import storage

SIGNATURE_NAME = "signature.json"
CARD_NAME = "README.md"
GOLDEN_NAME = "golden.npz"
FORMAT = "tfvssl-export"
FORMAT_VERSION = 2
# What the outputs `backbone` and known words are called beside the spaces.
PUBLISHED_BACKBONE = "before_head"
KNOWN_WORDS = "known_words"

_IMAGE_NETWORKS = {
  "naive": "the video network with its kernels summed over time and without"
  " temporal shifts (naive deflation, not trained anew)",
  "trained": "the video network with its kernels summed over time and without"
  " temporal shifts, its batch norms' scales and offsets trained anew",
  "repeated": "the video network, as films in which nothing moves",
}


def version_folder(folder: storage.PathLike) -> storage.Path:
  """Returns where the files of an export are.

  That is its newest version, EXPORT/1 or a higher number; `folder` itself where
  that is a version, or an export of 0.1.0, which had no versions.
  """
  folder = storage.Path(folder)
  if (folder / SIGNATURE_NAME).exists() or not folder.is_dir():
    return folder
  versions = [
    path
    for path in folder.iterdir()
    if path.name.isdecimal() and (path / SIGNATURE_NAME).exists()
  ]
  return max(versions, key=lambda path: int(path.name), default=folder)


def load_description(folder: storage.PathLike) -> dict:
  """Returns signature.json of an export whose files are all unharmed.

  Args:
    folder: see version_folder.

  Raises:
    FileNotFoundError: there is no export in `folder`.
    ValueError: another format, or a file is missing or changed.
  """
  path = version_folder(folder) / SIGNATURE_NAME
  _check_exists(path)
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
    if storage.digest(path.parent / name) != expected:
      raise ValueError(
        f"{folder}: {name} is not the file that was exported (SHA-256"
        " differs); export or copy it again."
      )
  return description


def identity(folder: storage.PathLike) -> str:
  """Returns what tells an export from any other: 64 hexadecimal digits.

  It is the SHA-256 of signature.json, in which those of all files stand.

  Raises:
    FileNotFoundError: there is no export in `folder`.
  """
  path = version_folder(folder) / SIGNATURE_NAME
  _check_exists(path)
  return storage.digest(path)


def write_description(description: dict, folder: storage.Path) -> None:
  """Writes the card and signature.json, with the digests of all files."""
  (folder / CARD_NAME).write_text(card(description), encoding="utf-8")
  complete = description | {"files": storage.digests(folder)}
  (folder / SIGNATURE_NAME).write_text(
    json.dumps(complete, indent=1) + "\n", encoding="utf-8"
  )


def spaces(outputs: Iterable[str]) -> list[str]:
  """Returns those names of outputs that are spaces, such as `va`, `vat`.

  `embedding` is one of them under the name that it has in every export.
  """
  others = ("backbone", "embedding", PUBLISHED_BACKBONE, KNOWN_WORDS)
  return [name for name in outputs if name not in others]


def _check_exists(path):
  if not path.is_file():
    raise FileNotFoundError(
      f"{path} does not exist; make an export with tfvssl.export --workdir."
    )


def _inside(name):
  path = storage.Path(name)
  return not path.is_absolute() and ".." not in path.parts


def golden_request(
  signature: str, shape: tuple[int, ...], clips: int = 2
) -> np.ndarray:
  """Returns the fixed request that every export answers once, [clips, *shape].

  For sound, shape includes the extra samples.

  Bytes v_i = ((2654435761 i) mod 2**32) // 2**24 in row-major order, as they
  are (`video_uint8`, `image_uint8`), v / 255 (`video`, `image`) or v / 128 - 1
  (`audio`).
  """
  index = np.arange(clips * math.prod(shape), dtype=np.uint64)
  values = (index * np.uint64(2654435761) % np.uint64(2**32)) >> np.uint64(24)
  values = values.astype(np.uint8).reshape(clips, *shape)
  if signature.endswith("_uint8"):
    return values
  if signature == "audio":
    return (values / 128 - 1).astype(np.float32)
  return (values / 255).astype(np.float32)


def golden_sentences(vocabulary: list[str], count: int = 8) -> list[str]:
  """Returns the fixed request of text: of no word, one word and `count`.

  Args:
    vocabulary: all words by their ids; without any, no word is all there is.
    count: words that are taken evenly from the first to the last.
  """
  if not vocabulary:
    return [""]
  last = len(vocabulary) - 1
  words = [vocabulary[round(i * last / (count - 1))] for i in range(count)]
  return ["", words[-1], " ".join(words)]


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
    shape = ", ".join(["batch", *map(str, entry["shape"])])
    if entry["extra_samples"]:
      shape += f" or {entry['shape'][-1] + entry['extra_samples']}"
    values = "JPEG" if entry["input"] == "jpeg_bytes" else "UTF-8"
    if entry["range"]:
      values = "{:g} to {:g}".format(*entry["range"])
    lines.append(
      f"| `{name}` | `{entry['input']}` | {entry['dtype']} | [{shape}] |"
      f" {values} |"
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
    "Tensors of another dtype are refused. NumPy arrays given to a named"
    " signature are cast to its dtype by TensorFlow without a word: bytes given"
    " to a signature of floats are then out of range and refused, floats given"
    " to one of `_uint8` would be black. The model itself chooses by dtype:"
    " `model(video)`; `training` may be given and changes nothing.",
    "",
    *_spaces(description),
    *_preparation(description),
    "",
    "```python",
    "import tensorflow as tf",
    'model = tf.saved_model.load("EXPORT/VERSION")  # this folder',
    "outputs = model(video)",
    "```",
    "",
  ]
  return "\n".join(lines)


def _spaces(description):
  """Returns what is to say of outputs beyond backbone and embedding."""
  lines = []
  for signature, entry in description["signatures"].items():
    dims = entry["outputs"]
    named = [f"`{name}` [batch, {dims[name]}]" for name in spaces(dims)]
    if named:
      lines.append(f"- `{signature}`: {', '.join(named)}")
  if not lines:
    return []
  return [
    f"`{PUBLISHED_BACKBONE}` is `backbone` under its published name. Spaces, in"
    " which what belongs together is near by cosine:",
    *lines,
    "",
  ]


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
  if "frames_jpeg" in description["signatures"]:
    lines.append(
      "`frames_jpeg` takes such frames as JPEG files, those of a clip of one"
      " size, and resizes and crops them itself."
    )
  if audio := description["audio"]:
    lines.append(
      f"Sound: mono, {audio['sample_rate_hz']} Hz, {audio['num_samples']}"
      f" samples ({audio['seconds']:g} s); the spectrogram is computed in the"
      f" graph. Its last frames reach {audio['extra_samples']} samples"
      " further: give these too where the sound goes on, as in the"
      " evaluation; without them silence is put there."
    )
  if text := description.get("text"):
    lines.append(
      f"Text: at most {text['max_words']} words of a sentence are read, by a"
      f" vocabulary of {text['vocabulary_size']} words that is in the model."
      f" `{KNOWN_WORDS}` int32 [batch] counts those that it holds: where it is"
      " 0 the embedding means nothing."
    )
  if image := description.get("image"):
    lines.append(
      "Images: prepared as the frames of a video; they go through"
      f" {_IMAGE_NETWORKS[image['network']]}."
    )
  return lines
