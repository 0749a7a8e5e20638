"""Retrieval of a run: what is compared, embedded, and how often found."""

import hashlib
import time
from typing import cast

from absl import logging
import numpy as np

from tfvssl.config import protocols
from tfvssl.config import tree as config_tree
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import figures
from tfvssl.evaluate.samples import random_network
from tfvssl.methods import base as methods
from tfvssl.train import weights

_PAIRS = (("text", "video"), ("text", "audio"), ("audio", "video"))


def measure(protocol: type[base.Protocol], subject: base.Subject) -> dict:
  """Returns choices, clips and figures as a tree for the result file.

  Args:
    protocol: for its name and source.
    subject: what is evaluated.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    exit_codes.UserError: the folder cannot be used, a record is damaged, or
      embeddings are not finite.
  """
  began = time.monotonic()
  request, seed = subject.request, subject.experiment.seed
  settings = cast(protocols.Retrieval, subject.settings)
  method = subject.method
  (folder,) = request.test_records
  with base.data_errors():
    known = directions(method.encoders())
    use_silent_sound = subject.experiment.data.use_silent_sound
    clips = embeddings.open_clips(folder, method, known, use_silent_sound)
    found = embeddings.embed(method, clips, settings)
    there = figures.with_clips(known, found, folder)
    pretrained = figures.figures(found, there)
    seconds = round(time.monotonic() - began, 1)
    about = {one.name: figures.describe(found, one) for one in there}
    word_ids = found["text"].word_ids if "text" in found else None
    runs: list[dict] = []
    for number in range(seed, seed + request.random_seeds):
      logging.info(
        "The same network at random initialisation, seed %d.", number
      )
      other = weights.fresh_method(subject.experiment, number)
      embeddings.calibrate(other, clips, word_ids, settings, seed)
      found = embeddings.embed(other, clips, settings)
      mean = figures.figures(found, there)
      runs.append({"seed": number, "mean": mean})
  return {
    "protocol": {
      **_choices(protocol, subject),
      "random_seeds": request.random_seeds,
    },
    "classes": [],
    "splits": [{**_describe_clips(clips), "directions": about}],
    "pretrained": {"mean": pretrained, "seconds": seconds},
    "random_initialisation": {
      "runs": runs,
      "mean": _mean([run["mean"] for run in runs], list(pretrained)),
    },
  }


def directions(
  encoders: dict[str, methods.Encoder],
) -> list[embeddings.Direction]:
  """Returns what is searched by what, each pair in both directions.

  A pair is compared in the finest space of both; one without is left out.

  Args:
    encoders: of a method, with or without weights.
  """
  found = []
  for query, gallery in _PAIRS:
    if query not in encoders or gallery not in encoders:
      continue
    known = encoders[query].spaces
    common = [space for space in encoders[gallery].spaces if space in known]
    if common:
      for pair in ((query, gallery), (gallery, query)):
        found.append(embeddings.Direction(*pair, common[0]))
  return found


def _mean(figures_of_runs, names):
  """Returns the mean of each figure; None where there are no runs."""
  if not figures_of_runs:
    return dict.fromkeys(names)
  return {
    name: float(np.mean([figures[name] for figures in figures_of_runs]))
    for name in names
  }


def _choices(protocol, subject):
  settings, encoders = subject.settings, subject.method.encoders()
  spec = encoders["video"].spec
  return {
    "name": protocol.NAME,
    "source": protocol.SOURCE,
    "modality": "video",  # of the paper's table; the others are compared, too
    "modalities": list(encoders),
    "features": "embedding",
    "similarity": "cosine",
    "aggregation": embeddings.AGGREGATION.value,
    "equal_scores": "every order as likely",
    "train_view": config_tree.to_tree(spec),
    "test_view_size": spec.image_size,
    "temporal_clips": settings.temporal_clips,
    "spatial_crops": settings.spatial_crops,
    "test_views_per_clip": settings.temporal_clips * settings.spatial_crops,
    "test_short_side": settings.test_short_side,
    "frame_rate_hz": spec.record_rate_hz,
    "seed": subject.experiment.seed,
    "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
  }


def _describe_clips(clips):
  records = clips.records
  digests = "".join(shard.sha256 for shard in records.manifest.shards)
  return {
    "name": "split 1",
    "test_records": {
      "folder": records.folder.name,
      "config_hash": records.manifest.config_hash,
      "shards_hash": hashlib.sha256(digests.encode()).hexdigest(),
    },
    "test_clips": records.usable_count,
    "test_clips_left_out": records.skipped_count,
    "test_clips_per_modality": {
      name: int(np.sum(held & records.usable))
      for name, held in clips.held.items()
    },
  }


def table(result: dict) -> str:
  """Returns a few lines for a person: recalls in per cent, median rank."""
  (split,) = result["splits"]
  lines = [
    f"zero-shot retrieval, {split['test_clips']} clips"
    f"{'R@1':>12}{'R@5':>7}{'R@10':>7}{'MedR':>8}"
  ]
  for name, about in split["directions"].items():
    words = f"{about['queries']} queries, {about['gallery']} to search"
    if about.get("ambiguous_queries"):
      words += f", {about['ambiguous_queries']} queries ambiguous"
    lines.append(f"{name.replace('_', ' ')} ({about['space']}): {words}")
    rows = {"chance": about["chance"]}
    for title in ("pretrained", "random_initialisation"):
      mean = result[title]["mean"]
      rows[title] = {field: mean[f"{name}_{field}"] for field in rows["chance"]}
    for title in ("pretrained", "random_initialisation", "chance"):
      if None not in rows[title].values():
        lines.append(_line(title.replace("_", " "), rows[title]))
  return "\n".join(lines)


def _line(title, figures):
  recalls = "".join(
    f"{100 * figures[f'recall_at_{k}']:7.1f}" for k in (1, 5, 10)
  )
  return f"  {title:24}{recalls}{figures['median_rank']:8.1f}"
