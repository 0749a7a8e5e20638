"""One run of the classification: files to labels, a csv and a page."""

import csv
import io
import os
import pathlib
from typing import NamedTuple

from absl import logging
import numpy as np
import tqdm

from tfvssl.classify import clips
from tfvssl.classify import page
from tfvssl.data.media import streams
from tfvssl.embed import embedder as embedding
from tfvssl.embed import inputs
from tfvssl.embed import run as embed
from tfvssl.evaluate.classifiers import saved
from tfvssl.export import description as export_format
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.runtime import terminal


class Table(NamedTuple):
  """What the files are.

  Attributes:
    classes: names, the columns of the scores.
    rows: path as text, file and scores [K], in the order of the files.
    skipped: files that could not be read.
    no_media: how many files are neither named as media nor media.
  """

  classes: list[str]
  rows: list[tuple[str, pathlib.Path, np.ndarray]]
  skipped: list[embedding.Skipped]
  no_media: int


def classify(
  *, model: str, classifier: str, root: storage.Path, trusted: bool
) -> Table:
  """Returns the scores of all videos below `root`; warns of skipped ones.

  Raises:
    FileNotFoundError: there is no export, no classifier or no video.
    exit_codes.UserError: one of them cannot be used, the classifier belongs
      to another network, or no video can be read (3).
  """
  files = inputs.list_files(root)
  try:
    layer = saved.load(classifier)
    description = export_format.load_description(model)
    check_network(layer, description, classifier, model)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  network = embed.load(model, ("video",), trusted=trusted)
  real_root = os.path.realpath(root)
  rows, skipped = [], []
  for file in tqdm.tqdm(files, unit=" files"):
    name = embedding.printable(
      file.relative_to(root) if file != root else file.name
    )
    try:
      if file != root and (why := streams.refusal(file, real_root)):
        raise streams.MediaError("outside_input", why)
      views = clips.test_views(file, layer, description["video"])
    except streams.MediaError as error:
      skipped.append(embedding.Skipped(name, error.reason, error.detail))
      continue
    scores = layer.scores(network.clip_features(views))
    rows.append((name, file, scores))
  unreadable = [item for item in skipped if item.reason != "not_media"]
  for item in unreadable:
    logging.warning("skipped %s: %s: %s", *item)
  if not rows:
    first = (unreadable or skipped)[0]
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"none of the {len(files)} files of {root} could be classified; the"
      f" first was {first.path}: {first.reason}: {first.detail}",
    )
  no_media = len(skipped) - len(unreadable)
  return Table(layer.classes.tolist(), rows, unreadable, no_media)


def check_network(
  layer: saved.Classifier, description: dict, classifier: str, model: str
) -> None:
  """Raises ValueError unless an export holds the network of a classifier."""
  found = description.get("networks", {}).get("video")
  if found is None:
    raise ValueError(
      f"{model} does not say which video network it holds: it has none, or"
      " 0.1.0 wrote it; export the run of the classifier again."
    )
  if found != layer.network:
    raise ValueError(
      f"{classifier} is for network {layer.network:.12}, but {model} holds"
      f" {found:.12}; export the run that was evaluated."
    )


def write(table: Table, output: storage.Path) -> storage.Path:
  """Writes the csv and the page beside it, and returns the place of the page.

  Labels are those of the highest score; rows are in the order of the files.
  """
  text = io.StringIO()
  lines = csv.writer(text, lineterminator="\n")
  classes = [terminal.printable(name) for name in table.classes]
  names = [f"score_{name}" for name in classes]
  lines.writerow(["path", "label", "score", *names])
  for path, _, scores in table.rows:
    best = int(np.argmax(scores))
    numbers = [f"{score:.6f}" for score in scores]
    lines.writerow([path, classes[best], numbers[best], *numbers])
  storage.write_text(output, text.getvalue())
  place = output.with_suffix(".html")
  storage.write_text(place, page.html_of(table.classes, table.rows, place))
  return place
