"""What may be asked, and by which of its streams; knows no TensorFlow."""

import os

import numpy as np

from tfvssl.data.media import streams
from tfvssl.runtime import exit_codes

BY = ("video", "audio", "both")
_NAMES = {"video": "pictures", "audio": "sound"}


def is_file(query: str | os.PathLike) -> bool:
  """Returns whether a query names a file."""
  return os.path.isfile(query)  # False, and no error, for what is too long


def check(
  query: str | os.PathLike, by: str | None, reads_sentences: bool, model: str
) -> None:
  """Raises where a query cannot be asked, before anything is loaded.

  Args:
    query: a file; a string that names none is a sentence.
    by: see ranking.Query.
    reads_sentences: whether the model has a text network.
    model: its folder.

  Raises:
    FileNotFoundError: the query is a path, but to no file.
    ValueError: `by` is no such value or asked of a sentence, or the model
      reads no sentences.
  """
  if by is not None and by not in BY:
    raise ValueError(f"--by={by} must be one of {', '.join(BY)}.")
  if is_file(query):
    return
  if isinstance(query, os.PathLike):
    raise FileNotFoundError(
      f"{query} is not a file; give a sentence as a string."
    )
  if not reads_sentences:
    raise ValueError(
      f"{query!r} is not a file, and {model} has no text network that"
      " could read it; give a clip or a sound."
    )
  if by:
    raise ValueError(
      f"--by={by} is of a file with pictures or sound, but {query!r} is"
      " a sentence; leave out --by."
    )


def modalities(
  path: str, table: dict[str, np.ndarray], by: str | None
) -> tuple[str, ...]:
  """Returns by what of a file it is asked: video, audio, or both.

  Args:
    path: of the file.
    table: of embedder.Embedder.embed_file.
    by: see ranking.Query; None for the pictures, without them the sound.

  Raises:
    exit_codes.UserError: the file, as the model takes it, lacks that (3).
  """
  if by is None:
    return ("video",) if table["has_video"].any() else ("audio",)
  asked = ("video", "audio") if by == "both" else (by,)
  for modality in asked:
    if not table[f"has_{modality}"].any():
      raise exit_codes.UserError(
        exit_codes.DATA,
        f"--by={by}, but {path} has no {_NAMES[modality]} that the"
        f" model takes{_silence(path, modality)}; leave out --by.",
      )
  return asked


def _silence(path, modality):
  """Returns words for sound that is there, but only zeros."""
  if modality == "audio" and is_file(path) and streams.probe(path).has_audio:
    return ": it is digital silence" * is_silent(path, 16_000)
  return ""


def is_silent(path: str, sample_rate_hz: int) -> bool:
  """Returns whether every sample of a file's sound is 0.

  Raises:
    media.MediaError: the sound cannot be decoded.
  """
  chunks = streams.stream_audio(
    path, streams.probe(path), sample_rate_hz=sample_rate_hz
  )
  return not any(chunk.any() for chunk in chunks)
