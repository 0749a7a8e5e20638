"""Figures of hand-made embeddings, and the tree that a result is made of."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_mmv_runs
from tests import tiny_runs
from tfvssl.config import protocols
from tfvssl.config import tree as config_tree
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base as protocol_base
from tfvssl.evaluate.protocols import retrieval
from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import figures
from tfvssl.methods import base
from tfvssl.methods.parts.embedding_graph import Graph
from tfvssl.train import weights

_FIELDS = ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank")


def _method(folder, graph, partners=("audio", "text")):
  """Returns a method without weights."""
  words = tiny_mmv_runs.vocabulary(folder)
  settings = tiny_mmv_runs.method_config(words, graph=graph)
  settings.partners = {name: settings.partners[name] for name in partners}
  return settings.build()


@pytest.mark.parametrize(
  ("graph", "text_video", "text_audio", "audio_video"),
  [
    (Graph.FINE_AND_COARSE, "vat", "vat", "va"),
    (Graph.SHARED, "vat", "vat", "vat"),
    (Graph.DISJOINT, "vt", None, "va"),
  ],
)
def test_pairs_are_compared_where_the_graph_compares_them(
  tmp_path, graph, text_video, text_audio, audio_video
):
  expected = [
    ("text_to_video", text_video),
    ("video_to_text", text_video),
    ("text_to_audio", text_audio),
    ("audio_to_text", text_audio),
    ("audio_to_video", audio_video),
    ("video_to_audio", audio_video),
  ]
  found = retrieval.directions(_method(tmp_path, graph).encoders())
  assert [(direction.name, direction.space) for direction in found] == [
    (name, space) for name, space in expected if space
  ]


@pytest.mark.parametrize(
  ("partner", "space"), [("text", "vt"), ("audio", "va")]
)
def test_run_of_two_modalities_has_two_directions(tmp_path, partner, space):
  method = _method(tmp_path, Graph.SHARED, [partner])
  found = retrieval.directions(method.encoders())
  assert [tuple(direction) for direction in found] == [
    (partner, "video", space),
    ("video", partner, space),
  ]


def test_encoders_of_one_space_are_compared_in_it():
  spec, network = tiny_runs.method_config().narrow, tf.keras.Sequential()
  encoders = {
    name: base.Encoder(spec, network, [], space="shared")
    for name in ("video", "audio", "flow")
  }
  found = retrieval.directions(encoders)
  # Of flow the paper of no protocol speaks.
  assert [tuple(direction) for direction in found] == [
    ("audio", "video", "shared"),
    ("video", "audio", "shared"),
  ]
  encoders["audio"] = base.Encoder(spec, network, [], space="another")
  assert not retrieval.directions(encoders)


def _circle(*degrees):
  angles = np.deg2rad(degrees)
  return np.stack([np.cos(angles), np.sin(angles)], 1)


def _embedded():
  """Clips 3, 5, 8, 9 lie on a circle.

  Clip 8 lacks sound, clip 9 captions, clip 4 pictures; clip 5 has two captions,
  and one of them has the words of that of clip 8.
  """
  video = _circle(0, 90, 180, 270)
  text = _circle(10, 200, 100, 170, 250)
  return {
    "video": embeddings.Embedded(
      np.array([3, 5, 8, 9]), {"va": video, "vat": video}, None
    ),
    "audio": embeddings.Embedded(
      np.array([3, 5, 9, 4]),
      {"va": _circle(80, 95, 280, 0), "vat": _circle(0, 120, 0, 240)},
      None,
    ),
    "text": embeddings.Embedded(
      np.array([3, 5, 5, 8, 4]),
      {"vat": text},
      np.array([[1, 0], [2, 2], [3, 0], [2, 2], [4, 0]]),
    ),
  }


_DIRECTIONS = [
  embeddings.Direction(query, gallery, space)
  for one, other, space in (
    ("text", "video", "vat"),
    ("text", "audio", "vat"),
    ("audio", "video", "va"),
  )
  for query, gallery in ((one, other), (other, one))
]


def _by_name(values, field):
  return {d.name: values[f"{d.name}_{field}"] for d in _DIRECTIONS}


def test_figures_by_hand():
  values = figures.figures(_embedded(), _DIRECTIONS)
  assert list(values) == [f"{d.name}_{f}" for d in _DIRECTIONS for f in _FIELDS]
  assert _by_name(values, "recall_at_1") == pytest.approx(
    {
      # 4 captions of the clips 3, 5, 8, which both hold: 10 finds 0, 200 finds
      # 180 instead of 90, 100 finds 90, 170 finds 180.
      "text_to_video": 3 / 4,
      # 0 has 10 next; 90 has 100; 180 has 170 next, closer than 200.
      "video_to_text": 3 / 3,
      # Clips 3, 5, 4 hold both. 10 finds 0; 200 finds 240 instead of 120; 100
      # finds 120; 250 finds 240.
      "text_to_audio": 3 / 4,
      "audio_to_text": 3 / 3,
      # Clips 3, 5, 9: 80 finds 90 instead of 0; 95 finds 90; 280 finds 270.
      "audio_to_video": 2 / 3,
      # 0 has 80 and, of another clip, 280 equally far; 90 has 95; 270 has 280.
      "video_to_audio": (1 / 2 + 1 + 1) / 3,
    }
  )
  assert _by_name(values, "median_rank") == {
    "text_to_video": 1.0,
    "video_to_text": 1.0,
    "text_to_audio": 1.0,
    "audio_to_text": 1.0,
    "audio_to_video": 1.0,
    "video_to_audio": 1.0,
  }
  assert _by_name(values, "recall_at_5") == dict.fromkeys(
    [d.name for d in _DIRECTIONS], 1.0
  )


def test_who_searches_what():
  found = _embedded()
  about = {d.name: figures.describe(found, d) for d in _DIRECTIONS}
  assert {
    name: (one["queries"], one["gallery"], one.get("ambiguous_queries"))
    for name, one in about.items()
  } == {
    "text_to_video": (4, 3, 2),
    # Clip 8 has no caption of its own alone, clip 5 has one.
    "video_to_text": (3, 4, 1),
    # Clip 8 has no sound: the sentence is that of one clip only.
    "text_to_audio": (4, 3, 0),
    "audio_to_text": (3, 4, 0),
    "audio_to_video": (3, 3, None),
    "video_to_audio": (3, 3, None),
  }
  assert about["text_to_audio"]["space"] == "vat"
  assert about["audio_to_video"]["space"] == "va"
  assert about["text_to_video"]["chance"] == pytest.approx(
    dict(zip(_FIELDS, (1 / 3, 1.0, 1.0, 2.0), strict=True))
  )
  # Two clips with 1 of 4 captions, one with 2: at the first place with 1/4, 1/4
  # and 1/2; up to the second with 1/2, 1/2 and 5/6, more than half in all.
  assert about["video_to_text"]["chance"] == pytest.approx(
    dict(zip(_FIELDS, (1 / 3, 1.0, 1.0, 2.0), strict=True))
  )


def test_embeddings_that_are_all_alike_are_at_chance():
  alike = {
    name: one._replace(
      spaces={
        space: np.full_like(rows, 2**-0.5) for space, rows in one.spaces.items()
      }
    )
    for name, one in _embedded().items()
  }
  values = figures.figures(alike, _DIRECTIONS)
  for direction in _DIRECTIONS:
    chance = figures.describe(alike, direction)["chance"]
    assert chance["recall_at_1"] < 0.5
    found = {field: values[f"{direction.name}_{field}"] for field in _FIELDS}
    assert found == pytest.approx(chance)


def test_caption_that_a_clip_repeats_is_its_own():
  clips = np.array([1, 1, 2, 3, 3])
  word_ids = np.array([[7, 0], [7, 0], [8, 9], [9, 8], [8, 9]])
  assert figures.ambiguous(clips, word_ids).tolist() == [
    False,
    False,
    True,
    False,
    True,
  ]


def test_brave_is_refused(tmp_path):
  with pytest.raises(
    ValueError,
    match="needs a run whose modalities share a space; this is one of brave."
    " Use svm",
  ):
    retrieval.check_method(tiny_runs.method_config().build())
  retrieval.check_method(_method(tmp_path, Graph.DISJOINT))


def _measure(folder, monkeypatch, random_seeds):
  """Returns the tree, and what was done in which order, without networks."""
  done = []
  method = _method(folder, Graph.FINE_AND_COARSE)
  experiment = tiny_runs.experiment(
    seed=4, retrieval=protocols.Retrieval(temporal_clips=2, spatial_crops=3)
  )

  def open_clips(folder, opened, directions):
    assert opened is method
    assert directions == _DIRECTIONS
    held = np.array([True, True, False, False])
    records = types.SimpleNamespace(
      folder=folder,
      usable=np.array([True, True, True, False]),
      usable_count=3,
      skipped_count=1,
      manifest=types.SimpleNamespace(shards=[], config_hash="c"),
    )
    return embeddings.Clips(records, {"video": held, "text": ~held})

  def embed(network, clips, settings):
    done.append(("embed", "trained" if network is method else network))
    assert settings is experiment.retrieval
    found = _embedded()
    if network == 5:  # the second network of random weights finds nothing
      rows = _circle(180, 270, 0, 90)
      found["video"] = found["video"]._replace(spaces={"va": rows, "vat": rows})
    return {name: found[name] for name in ("video", "text")}

  def calibrate(network, clips, word_ids, settings, seed):
    assert word_ids.tolist() == _embedded()["text"].word_ids.tolist()
    assert seed == 4
    done.append(("calibrate", network))

  monkeypatch.setattr(embeddings, "open_clips", open_clips)
  monkeypatch.setattr(embeddings, "embed", embed)
  monkeypatch.setattr(embeddings, "calibrate", calibrate)
  monkeypatch.setattr(weights, "fresh_method", lambda _, seed: seed)
  folder = types.SimpleNamespace(name="test")
  request = requests.Request(
    workdir=folder,
    protocol="retrieval",
    test_records=(folder,),
    random_seeds=random_seeds,
  )
  subject = protocol_base.Subject(
    request, experiment, experiment.retrieval, method
  )
  return retrieval.RetrievalProtocol.measure(subject), done


def test_result_has_the_trained_and_the_mean_of_random_networks(
  tmp_path, monkeypatch
):
  tree, done = _measure(tmp_path, monkeypatch, 2)
  assert done == [
    ("embed", "trained"),
    ("calibrate", 4),
    ("embed", 4),
    ("calibrate", 5),
    ("embed", 5),
  ]
  (split,) = tree["splits"]
  # Sound is lacking everywhere: its directions are left out.
  assert list(split["directions"]) == ["text_to_video", "video_to_text"]
  assert split["test_clips"] == 3
  assert split["test_clips_left_out"] == 1
  assert split["test_clips_per_modality"] == {"video": 2, "text": 1}
  assert split["test_records"]["folder"] == "test"
  random = tree["random_initialisation"]
  assert [run["seed"] for run in random["runs"]] == [4, 5]
  name = "text_to_video_recall_at_1"
  assert tree["pretrained"]["mean"][name] == 3 / 4
  # Turned by half a circle, 10 finds 0 of clip 8, and 200, 100 and 170 all find
  # 180 of clip 3.
  assert [run["mean"][name] for run in random["runs"]] == [3 / 4, 0.0]
  assert random["mean"][name] == 3 / 8
  protocol = tree["protocol"]
  assert protocol["name"] == "retrieval"
  assert protocol["aggregation"] == "average_then_normalise"
  assert protocol["test_views_per_clip"] == 6
  assert protocol["modalities"] == ["video", "audio", "text"]
  assert protocol["random_seeds"] == 2
  assert config_tree.from_tree(protocol["train_view"]).num_frames == 4


def test_without_random_networks_there_is_no_mean(tmp_path, monkeypatch):
  tree, done = _measure(tmp_path, monkeypatch, 0)
  assert done == [("embed", "trained")]
  assert tree["random_initialisation"]["runs"] == []
  assert set(tree["random_initialisation"]["mean"].values()) == {None}
  assert "random" not in retrieval.table(tree)


def test_table_holds_every_figure_in_per_cent(tmp_path, monkeypatch):
  tree, _ = _measure(tmp_path, monkeypatch, 2)
  lines = [line.split() for line in retrieval.table(tree).splitlines()]
  assert lines[0][-4:] == ["R@1", "R@5", "R@10", "MedR"]
  assert " ".join(lines[1]) == (
    "text to video (vat): 4 queries, 3 to search, 2 queries ambiguous"
  )
  assert lines[2] == ["pretrained", "75.0", "100.0", "100.0", "1.0"]
  assert lines[3][:3] == ["random", "initialisation", "37.5"]
  assert lines[4] == ["chance", "33.3", "100.0", "100.0", "2.0"]
  assert " ".join(lines[5]).startswith("video to text (vat): 3 queries, 4 to")
