"""Figures of a retrieval, of the embeddings that one network makes."""

from collections.abc import Iterable

from absl import logging
import numpy as np

from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import ranks as zero_shot
from tfvssl.runtime import storage


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
