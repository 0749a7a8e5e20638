"""Captions with times: the csv that names them, and those of one clip."""

from collections.abc import Sequence
import hashlib
import json
import math
import os
import pathlib

from absl import logging

from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema

from . import sources

COLUMNS = ("path", "text", "start_s", "end_s")
_OVERHEAD_BYTES = 16  # of one more caption in a record: times and lengths


def attach(inputs: list[sources.ClipSource], path: pathlib.Path) -> None:
  """Gives every input the captions that a csv has for its file.

  Rows for paths that are not inputs are counted in one line.

  Args:
    inputs: changed in place.
    path: of the csv, see `read`.

  Raises:
    FileNotFoundError: there is no such csv.
    ValueError: rows of it that cannot be used, all in one message.
  """
  found = read(path)
  if ignored := sources.ignored_columns(path, COLUMNS):
    names = ", ".join(map(repr, ignored))
    logging.info("columns of %s that are ignored: %s", path, names)
  unknown = dict(found)
  for source in inputs:
    key = _key(source.relative)
    if key not in found and source.file:
      key = source.file  # of a link
    source.captions = tuple(found.get(key, ()))
    unknown.pop(key, None)
  if unknown:
    logging.warning(
      "%d of %d captions of %s are for %d paths that are not inputs, such as"
      " %r",
      sum(map(len, unknown.values())),
      sum(map(len, found.values())),
      path,
      len(unknown),
      min(unknown),
    )


def read(path: pathlib.Path) -> dict[str, list[encoded_clip.Caption]]:
  """Returns the captions of every path of a csv, by their start.

  Columns: path, text and optionally start_s, end_s. A caption without start
  begins with the file, one without end lasts to its end and has an infinite
  one.

  Raises:
    FileNotFoundError: there is no such csv.
    ValueError: rows that cannot be used, all in one message.
  """
  if not path.is_file():
    raise FileNotFoundError(
      f"`--captions` ({path}) does not exist; give a csv with the columns"
      " `path` and `text`."
    )
  rows, errors = sources.read_rows(path, COLUMNS[:2])
  found: dict[str, list[encoded_clip.Caption]] = {}
  for line, row in rows:
    caption, problems = _caption(row)
    errors += [(line, problem) for problem in problems]
    found.setdefault(_key(sources.printable(row["path"])), []).append(caption)
  sources.refuse(path, errors)
  for captions in found.values():
    captions.sort(key=lambda caption: (caption.start_s, caption.end_s))
  return found


def _caption(row):
  """Returns the Caption of a row, and what is wrong with it."""
  problems = [
    f"`{name}` is empty" for name in COLUMNS[:2] if not row[name].strip()
  ]
  size = len(row["text"].encode("utf-8"))
  if size > schema.TEXT_BYTES:
    problems.append(
      f"`text` holds {size} bytes, a record takes at most {schema.TEXT_BYTES}"
    )
  start_s, end_s = sources.stretch(row, problems)
  return encoded_clip.Caption(
    row["text"].strip(),
    0.0 if start_s is None else start_s,
    math.inf if end_s is None else end_s,
  ), problems


def _key(relative):
  return os.path.normpath(relative.strip())


def of_clip(
  source: sources.ClipSource, start_s: float, duration_s: float
) -> tuple[encoded_clip.Caption, ...]:
  """Returns the captions that a clip overlaps, in seconds of the clip.

  Args:
    source: the clip's input.
    start_s: where the clip starts in its file.
    duration_s: of the clip; captions are cut to it.

  Raises:
    media.MediaError: they do not fit into a record.
  """
  found = [
    encoded_clip.Caption(
      caption.text,
      max(0.0, caption.start_s - start_s),
      min(caption.end_s - start_s, duration_s),
    )
    for caption in source.captions
    if caption.start_s < start_s + duration_s and caption.end_s > start_s
  ]
  if source.caption:
    found.insert(0, encoded_clip.Caption(source.caption, 0.0, duration_s))
  texts = [caption.text for caption in found]
  texts += [source.relative, source.label_text]
  size = sum(len(text.encode("utf-8")) for text in texts)
  size += _OVERHEAD_BYTES * (len(found) - 1)
  if found and size > schema.TEXT_BYTES:
    raise streams.MediaError(
      "captions_too_long",
      f"{len(found)} captions of the clip from"
      f" {sources.seconds_text(start_s)} s, its path and labels take {size}"
      f" bytes, a record at most {schema.TEXT_BYTES}",
    )
  return tuple(found)


def digest(captions: Sequence[encoded_clip.Caption]) -> str:
  """Returns a hash of the captions of an input."""
  return hashlib.sha256(json.dumps(captions).encode("utf-8")).hexdigest()
