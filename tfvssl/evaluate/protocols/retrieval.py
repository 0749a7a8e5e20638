"""Zero-shot retrieval between all pairs of modalities of a run.

A clip that holds two modalities has to be found by the one among the other of
all such clips, by cosine in the finest space that both encoders name; nothing
is trained, and nothing needs a label. Pictures and sound of a clip are the
mean of its regular windows. Every caption is a query of its own; where
captions are searched, the best one of a clip counts.
Source: MMV paper, appendix A.2 and Table 4, which have text to video only.
"""

from collections.abc import Iterable
import hashlib
import time

from absl import logging
import numpy as np

from tfvssl.config import experiment as config
from tfvssl.config import tree as config_tree
from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import ranks as zero_shot
from tfvssl.evaluate.samples import random_network
from tfvssl.methods import base
from tfvssl.runtime import storage
from tfvssl.train import weights

_PAIRS = (("text", "video"), ("text", "audio"), ("audio", "video"))


def check_method(method: base.Method) -> None:
  """Raises ValueError unless runs of `method` can be evaluated."""
  if not directions(method.encoders()):
    name = type(method).__module__.rpartition(".")[2]
    raise ValueError(
      "--protocol=retrieval needs a run whose modalities share a space; this"
      f" is one of {name}. Use svm, linear, finetune or mlp."
    )


def directions(
  encoders: dict[str, base.Encoder],
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


def measure(
  experiment: config.Experiment,
  method: base.Method,
  folder: storage.PathLike,
  random_seeds: int,
) -> dict:
  """Returns choices, clips and figures as a tree for the result file.

  Args:
    experiment: of the run.
    method: with its trained weights.
    folder: of the test records.
    random_seeds: how many methods with initial weights to compare with.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: the folder cannot be used (cross_modal_embedding.open_clips),
      or embeddings are not finite.
    exit_codes.UserError: a record is damaged; it is named.
  """
  began = time.monotonic()
  settings = experiment.retrieval
  known = directions(method.encoders())
  clips = embeddings.open_clips(folder, method, known)
  found = embeddings.embed(method, clips, settings)
  there = with_clips(known, found, folder)
  pretrained = figures(found, there)
  seconds = round(time.monotonic() - began, 1)
  about = {direction.name: describe(found, direction) for direction in there}
  word_ids = found["text"].word_ids if "text" in found else None
  runs: list[dict] = []
  for seed in range(experiment.seed, experiment.seed + random_seeds):
    logging.info("The same network at random initialisation, seed %d.", seed)
    other = weights.fresh_method(experiment, seed)
    embeddings.calibrate(other, clips, word_ids, settings, experiment.seed)
    found = embeddings.embed(other, clips, settings)
    runs.append({"seed": seed, "mean": figures(found, there)})
  return {
    "protocol": {
      **_choices(experiment, method),
      "random_seeds": random_seeds,
    },
    "classes": [],
    "splits": [{**_describe_clips(clips), "directions": about}],
    "pretrained": {"mean": pretrained, "seconds": seconds},
    "random_initialisation": {
      "runs": runs,
      "mean": _mean([run["mean"] for run in runs], list(pretrained)),
    },
  }


def _mean(figures_of_runs, names):
  """Returns the mean of each figure; None where there are no runs."""
  if not figures_of_runs:
    return dict.fromkeys(names)
  return {
    name: float(np.mean([figures[name] for figures in figures_of_runs]))
    for name in names
  }


def with_clips(
  known: Iterable[embeddings.Direction],
  found: dict[str, embeddings.Embedded],
  folder: storage.PathLike,
) -> list[embeddings.Direction]:
  """Returns the directions for which there are clips; logs the others.

  Args:
    known: all directions.
    found: of one network.
    folder: of the clips, for the message.
  """
  there = []
  for direction in known:
    if len(_common(found, direction)):
      there.append(direction)
    else:
      logging.warning("%s: no clip of %s holds both.", direction.name, folder)
  return there


def _common(found, direction):
  """Returns the clips that hold both modalities, sorted, int64 [N]."""
  return np.intersect1d(
    *(
      found[name].clips if name in found else []
      for name in (direction.query, direction.gallery)
    )
  )


def figures(
  found: dict[str, embeddings.Embedded],
  there: Iterable[embeddings.Direction],
) -> dict[str, float]:
  """Returns text_to_video_recall_at_1 and the like; see zero_shot.Summary.

  Args:
    found: of one network.
    there: directions for which there are clips.
  """
  values = {}
  for direction in there:
    places, _, gallery = places_of(found, direction)
    summary = zero_shot.expected_summary(places, gallery)
    for name, value in summary._asdict().items():
      values[f"{direction.name}_{name}"] = value
  return values


def places_of(
  found: dict[str, embeddings.Embedded],
  direction: embeddings.Direction,
) -> tuple[zero_shot.Places, np.ndarray, int]:
  """Returns where queries find an item of their clip.

  Args:
    found: of one network.
    direction: one for which there are clips.

  Returns:
    Places of Q queries, int64 [Q] whose they are, and how many items are
    searched.
  """
  queries, query_clips = _side(found, direction, direction.query)
  gallery, gallery_clips = _side(found, direction, direction.gallery)
  places = zero_shot.places(queries, query_clips, gallery, gallery_clips)
  return places, query_clips, len(gallery)


def clips_of(
  found: dict[str, embeddings.Embedded],
  direction: embeddings.Direction,
) -> tuple[np.ndarray, np.ndarray]:
  """Returns whose the queries are, int64 [Q], and the items, int64 [G]."""
  _, query_clips = _side(found, direction, direction.query)
  _, gallery_clips = _side(found, direction, direction.gallery)
  return query_clips, gallery_clips


def _side(found, direction, modality):
  """Returns rows [R, E] of the clips that hold both, and these clips [R]."""
  one = found[modality]
  is_common = np.isin(one.clips, _common(found, direction))
  return one.spaces[direction.space][is_common], one.clips[is_common]


def describe(
  found: dict[str, embeddings.Embedded],
  direction: embeddings.Direction,
) -> dict:
  """Returns who searches among how many, and what chance reaches.

  Chance is that of embeddings that are all alike, with as many queries and
  items. `ambiguous_queries` are captions whose words another clip has, too,
  or clips all of whose captions are such.
  """
  query_clips, gallery_clips = clips_of(found, direction)
  places = zero_shot.all_alike(query_clips, gallery_clips)
  chance = zero_shot.expected_summary(places, len(gallery_clips))
  tree = {
    "space": direction.space,
    "queries": len(query_clips),
    "gallery": len(gallery_clips),
    "chance": chance._asdict(),
  }
  if "text" not in (direction.query, direction.gallery):
    return tree
  captions = found["text"]
  is_common = np.isin(captions.clips, _common(found, direction))
  clips = captions.clips[is_common]
  alike = ambiguous(clips, captions.word_ids[is_common])
  count = int(np.sum(alike))
  if direction.gallery == "text":
    count = len(np.setdiff1d(clips, clips[~alike]))
  return {**tree, "ambiguous_queries": count}


def ambiguous(clips: np.ndarray, word_ids: np.ndarray) -> np.ndarray:
  """Returns whether another clip has a caption of the same words, bool [R].

  No network that sees words alone can tell such captions apart. Words are
  equal where the tokenizer gives the same ids.

  Args:
    clips: int64 [R], whose captions they are.
    word_ids: int32 [R, L].
  """
  _, sentences = np.unique(word_ids, axis=0, return_inverse=True)
  owners = np.unique(np.stack([sentences, clips], 1), axis=0)
  return np.bincount(owners[:, 0])[sentences] > 1


def _choices(experiment, method):
  settings = experiment.retrieval
  encoders = method.encoders()
  spec = encoders["video"].spec
  return {
    "name": "retrieval",
    "source": "MMV paper, appendix A.2 and Table 4",
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
    "frame_rate_hz": method.config.video.record_rate_hz,
    "seed": experiment.seed,
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
