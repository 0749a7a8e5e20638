"""Embeddings of media files, time-stamped, and of sentences by an export.

Row k of a file starts at k * hop_s, for sight and sound alike. Files are
streamed: memory holds one window, however long the file is.
"""

import collections
from collections.abc import Iterable, Iterator
import itertools
import os
import pathlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvssl.data import crops
from tfvssl.data.media import streams
from tfvssl.data.records import content
from tfvssl.export import description as export_format
from tfvssl.export import graph_check
from tfvssl.runtime import storage

_FRAMES_AT_ONCE = 32
_SIGNATURES = {"video": "video_uint8", "audio": "audio", "text": "text"}


class Skipped(NamedTuple):
  """A file that gave no row: why in one word, and in one line."""

  path: str
  reason: str
  detail: str


class Embedder:
  """An exported model with the windows that it was trained on.

  Attributes:
    video: rates and sizes of its video input, see signature.json; None where
      video is not asked for or not served.
    audio: likewise for sound.
    text: likewise for sentences.
    hop_s: distance between rows in seconds; None for sentences alone.
    batch_size: windows or sentences per forward pass.
    identity: of the export, see export_format.identity.
    settings: all that rows depend on beside their file, as JSON.
    use_silent_sound: whether a file of silent sound counts as one with sound.
  """

  def __init__(
    self,
    folder: str | pathlib.Path,
    *,
    modalities: tuple[str, ...] = ("video", "audio"),
    hop_s: float | None = None,
    batch_size: int = 8,
    trusted: bool = False,
  ):
    """Loads an export after checking its files.

    Args:
      folder: of tfvssl.export.
      modalities: what to embed of that which the model serves: video, audio
        or text.
      hop_s: None for one window of sight or, without it, of sound.
      batch_size: windows or sentences per forward pass.
      trusted: whether to load a graph that may do more than compute.

    Raises:
      FileNotFoundError: there is no export.
      ValueError: the export is damaged, may do more than compute or serves
        none of `modalities`, or a number is not above 0.
    """
    folder = export_format.version_folder(folder)
    description = export_format.load_description(folder)
    served = {
      name: description[name]
      for name in _SIGNATURES
      if name in modalities and description.get(name)
    }
    if not served:
      raise ValueError(
        f"{folder} serves none of {', '.join(modalities)}; its signatures:"
        f" {', '.join(description['signatures'])}."
      )
    self.video, self.audio = served.get("video"), served.get("audio")
    self.text = served.get("text")
    self.hop_s = hop_s
    if hop_s is None:
      self.hop_s = next(iter(served.values())).get("seconds")
    elif not hop_s > 0:
      raise ValueError(f"`hop_s` ({hop_s}) must be above 0.")
    if batch_size < 1:
      raise ValueError(f"`batch_size` ({batch_size}) must be at least 1.")
    self.batch_size = min(batch_size, description["max_batch_size"])
    self._signatures = description["signatures"]
    # Exports of version 0.1.0 do not say.
    self.use_silent_sound = description.get("use_silent_sound", True)
    self.identity = export_format.identity(folder)
    self.settings = [
      *(self.identity, *served, self.hop_s, self.batch_size),
      *(streams.MEDIA_RULES, streams.ffmpeg_version()),
    ]
    if not trusted:
      graph_check.check(folder)
    self._model = tf.saved_model.load(str(folder))

  def embed_file(self, path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the rows of one file.

    Returns:
      start_s float64 [n]; has_video, has_audio bool [n]; audio_s float64 [n],
      the seconds of real sound in the audio window, which is silent past the
      file's end; and float32 [n, D] video_backbone, video_embedding,
      audio_backbone, audio_embedding where served, and likewise every space
      of the network (video_va, ...), zero where the mask is False.

    Raises:
      media.MediaError: the file cannot be read whole, or holds nothing that
        the model takes.
    """
    info = streams.probe(path)
    sight = self.video if info.has_video else None
    sound = self.audio if info.has_audio else None
    if not sight and not sound:
      asked = [n for n in ("video", "audio") if getattr(self, n)]
      raise streams.MediaError(
        "no_stream", f"no {' and no '.join(asked)} in it"
      )
    rows, num_rows, audio_s = {}, None, None
    if sight:
      frames = streams.stream_frames(
        path,
        info,
        frame_rate_hz=sight["record_frame_rate_hz"],
        short_side=sight["record_short_side"],
      )
      rows |= self._run("video", video_windows(frames, sight, self.hop_s))
      num_rows = len(rows["video_backbone"])
    if sound:
      chunks = streams.stream_audio(
        path, info, sample_rate_hz=sound["sample_rate_hz"]
      )
      lengths: list[int] = []
      heard: list[bool] = []
      chunks = _listened_to(chunks, heard)
      windows = sound_windows(chunks, sound, self.hop_s, num_rows, lengths)
      rows |= self._run("audio", windows)
      num_rows = len(lengths)
      audio_s = np.array(lengths) / sound["sample_rate_hz"]
      if not any(heard) and not self.use_silent_sound:
        audio_s[:] = 0
        if not sight:
          raise streams.MediaError("silent", "its sound is silent")
    return self._complete(rows, num_rows, bool(sight), audio_s)

  def embed_sentences(self, sentences: Iterable[str]) -> dict[str, np.ndarray]:
    """Returns the rows of at least one sentence.

    Returns:
      text_known_words int32 [n], how many words of the vocabulary the network
      saw, and float32 [n, D] text_backbone, text_embedding and every space of
      the network (text_vat, ...).
    """
    return self._run("text", iter(sentences))

  def clip_features(self, clips: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the features, float32 [n, D], of uint8 clips of its shape."""
    return self._run("video", iter(clips))["video_backbone"]

  def columns(self, modality: str) -> dict[str, int | None]:
    """Returns column -> size of what is computed of one modality."""
    outputs = self._signatures[_SIGNATURES[modality]]["outputs"]
    return {
      f"{modality}_{name}": size
      for name, size in outputs.items()
      if name != export_format.PUBLISHED_BACKBONE  # the backbone once more
    }

  def spaces(self, modality: str) -> list[str]:
    """Returns `embedding` and the names of the other spaces of a modality."""
    columns = self.columns(modality)
    names = [column.removeprefix(f"{modality}_") for column in columns]
    return ["embedding", *export_format.spaces(names)]

  def _run(self, modality, inputs):
    """Returns the outputs for all inputs, [n, D] by column name."""
    entry = self._signatures[_SIGNATURES[modality]]
    function = self._model.signatures[_SIGNATURES[modality]]
    parts = {column: [] for column in self.columns(modality)}
    while batch := list(itertools.islice(inputs, self.batch_size)):
      answers = function(
        **{entry["input"]: tf.constant(np.stack(batch), entry["dtype"])}
      )
      for column, rows in parts.items():
        rows.append(answers[column.removeprefix(f"{modality}_")].numpy())
    return {column: np.concatenate(rows) for column, rows in parts.items()}

  def _complete(self, rows, num_rows, has_video, audio_s):
    """Returns the rows with every column that the model can give."""
    if audio_s is None:
      audio_s = np.zeros(num_rows)
    columns = {
      "start_s": np.arange(num_rows) * self.hop_s,
      "has_video": np.full(num_rows, has_video),
      "has_audio": audio_s > 0,
      "audio_s": audio_s,
    }
    for modality in ("video", "audio"):
      if getattr(self, modality):
        for column, size in self.columns(modality).items():
          empty = np.zeros([num_rows, size], np.float32)
          columns[column] = rows.get(column, empty)
          if modality == "audio":  # without any real sound no embedding
            columns[column][audio_s == 0] = 0
    return columns


def video_windows(
  frames: Iterable[np.ndarray], video: dict, hop_s: float
) -> Iterator[np.ndarray]:
  """Yields uint8 [num_frames, size, size, 3] from k * hop_s on, k = 0, 1, ...

  Only whole windows, but at least one: frames that do not fill it loop, as in
  training.

  Args:
    frames: uint8 [H, W, 3] at `record_frame_rate_hz`.
    video: of signature.json.
    hop_s: distance between windows.
  """
  offsets = (np.arange(video["num_frames"]) * video["frame_step"]).astype(int)
  span = int(offsets[-1]) + 1
  held = collections.deque()  # frames [first, count)
  first = count = row = start = 0
  for frame in _prepare(frames, video):
    held.append(frame)
    count += 1
    while count >= start + span:
      yield np.stack([held[start - first + offset] for offset in offsets])
      row += 1
      start = round(row * hop_s * video["record_frame_rate_hz"])
    while held and first < start:
      held.popleft()
      first += 1
  if not row and count:
    yield np.stack([held[offset % count] for offset in offsets])


def _prepare(frames, video):
  """Yields the centre squares of `frames`, resized as for the evaluation."""
  frames = iter(frames)
  while batch := list(itertools.islice(frames, _FRAMES_AT_ONCE)):
    resized = crops.resize_short_side(
      tf.constant(np.stack(batch)), video["short_side"]
    ).numpy()
    size = video["image_size"]
    top = (resized.shape[1] - size) // 2
    left = (resized.shape[2] - size) // 2
    yield from resized[:, top : top + size, left : left + size]


def sound_windows(
  chunks: Iterable[np.ndarray],
  audio: dict,
  hop_s: float,
  num_rows: int | None,
  lengths: list[int],
) -> Iterator[np.ndarray]:
  """Yields waveforms in [-1, 1) from k * hop_s on, k = 0, 1, ...

  float32 [num_samples + extra_samples], as in the evaluation: what follows a
  window is heard by its last spectrogram frames; past the end it is silence.

  Args:
    chunks: int16 [any] at `sample_rate_hz`.
    audio: of signature.json.
    hop_s: distance between windows.
    num_rows: how many, silence where there is no sound any more; None for all
      whole windows, but at least one. A sound that does not fill the first
      window loops, as in training.
    lengths: gets the number of real samples of each window, without the extra
      ones.
  """
  length = audio["num_samples"]
  longest = length + audio["extra_samples"]
  chunks = iter(chunks)
  held = np.zeros(0, np.int16)  # from sample `first` on
  first, ended = 0, False
  for row in itertools.count() if num_rows is None else range(num_rows):
    start = round(row * hop_s * audio["sample_rate_hz"])
    while first + len(held) < start + longest and not ended:
      chunk = next(chunks, None)
      ended = chunk is None
      if chunk is not None:
        held = np.concatenate([held, chunk])
      drop = min(max(start - first, 0), len(held))
      held, first = held[drop:], first + drop
    drop = min(max(start - first, 0), len(held))
    held, first = held[drop:], first + drop
    window = held[:longest]
    if num_rows is None and row and len(window) < length:
      return
    lengths.append(min(len(window), length))
    if not row and 0 < len(window) < length:
      # As many whole repetitions as the view needs: windows.sound_indices.
      window = np.tile(window, -(-length // len(window)))[:longest]
    yield np.pad(window, (0, longest - len(window))) / np.float32(32768)
  # Damage is known only at the end of the stream.
  collections.deque(chunks, maxlen=0)


def _listened_to(chunks, heard):
  """Yields the sound, and notes of every chunk whether there is any to hear."""
  for chunk in chunks:
    heard.append(bool(len(chunk)) and not content.is_silent(chunk))
    yield chunk


def embed_files(
  embedder: Embedder, files: Iterable[pathlib.Path], root: pathlib.Path
) -> tuple[dict[str, np.ndarray], list[Skipped]]:
  """Returns the rows of all files in one table, and the files without rows.

  Args:
    embedder: of the model.
    files: below `root`.
    root: paths in the table are relative to it.

  Returns:
    columns of `Embedder.embed_file`, `path`, str [n], and `label`, str [n],
    the first-level sub-folder, empty outside of one, if there is any; empty
    where no file could be read.
  """
  tables, skipped = [], []
  real_root = os.path.realpath(root)
  for file in files:
    name = printable(file.relative_to(root) if file != root else file.name)
    try:
      if file != root and (why := streams.refusal(file, real_root)):
        raise streams.MediaError("outside_input", why)
      table = embedder.embed_file(file)
    except streams.MediaError as error:
      skipped.append(Skipped(name, error.reason, error.detail))
      continue
    table["path"] = np.array([name] * len(table["start_s"]))
    tables.append(table)
  if not tables:
    return {}, skipped
  joined = {
    column: np.concatenate([table[column] for table in tables])
    for column in ("path", *tables[0])
    if column in tables[0]
  }
  labels = [
    name.partition("/")[0] if "/" in name else "" for name in joined["path"]
  ]
  if any(labels):
    joined["label"] = np.array(labels)
  return joined, skipped


def printable(path: str | os.PathLike) -> str:
  """Returns a path with '/', bytes that are no UTF-8 written as escapes."""
  raw = os.fsencode(path).replace(os.sep.encode(), b"/")
  return raw.decode("utf-8", "backslashreplace")


def skipped_columns(skipped: list[Skipped]) -> dict[str, np.ndarray]:
  """Returns the skipped files as columns of strings."""
  return {
    f"skipped_{field}": np.array(
      [getattr(item, field) for item in skipped], str
    )
    for field in Skipped._fields
  }


def relative_folder(root: pathlib.Path, output: pathlib.Path) -> str:
  """Returns the folder of `root`, seen from that of `output`.

  With it the table finds its files again wherever both are moved together.

  Args:
    root: folder of media, or one file.
    output: file of the table.
  """
  folder = root.parent if root.is_file() else root
  return os.path.relpath(
    os.path.realpath(folder), os.path.realpath(output.parent)
  )


def save(path: pathlib.Path, columns: dict[str, np.ndarray]) -> None:
  """Writes arrays by name as .npz; the file appears whole."""
  path.parent.mkdir(parents=True, exist_ok=True)
  with storage.new_file(path) as unfinished, unfinished.open("wb") as file:
    np.savez(file, **columns)
