"""What is compared with what, and the tree that a result is made of."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.evaluate import circles
from tfvssl.config import protocols
from tfvssl.config import stored_config
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base as protocol_base
from tfvssl.evaluate.protocols import retrieval
from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import measuring
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
  found = measuring.directions(_method(tmp_path, graph).encoders())
  assert [(direction.name, direction.space) for direction in found] == [
    (name, space) for name, space in expected if space
  ]


@pytest.mark.parametrize(
  ("partner", "space"), [("text", "vt"), ("audio", "va")]
)
def test_run_of_two_modalities_has_two_directions(tmp_path, partner, space):
  method = _method(tmp_path, Graph.SHARED, [partner])
  found = measuring.directions(method.encoders())
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
  found = measuring.directions(encoders)
  # Of flow the paper of no protocol speaks.
  assert [tuple(direction) for direction in found] == [
    ("audio", "video", "shared"),
    ("video", "audio", "shared"),
  ]
  encoders["audio"] = base.Encoder(spec, network, [], space="another")
  assert not measuring.directions(encoders)


def test_brave_is_refused(tmp_path):
  with pytest.raises(
    ValueError,
    match="needs a run whose modalities share a space; this is one of brave."
    " Use svm",
  ):
    retrieval.RetrievalProtocol.check_method(tiny_runs.method_config().build())
  retrieval.RetrievalProtocol.check_method(_method(tmp_path, Graph.DISJOINT))


def _measure(folder, monkeypatch, random_seeds):
  """Returns the tree, and what was done in which order, without networks."""
  done = []
  method = _method(folder, Graph.FINE_AND_COARSE)
  experiment = tiny_runs.experiment(
    seed=4, retrieval=protocols.Retrieval(temporal_clips=2, spatial_crops=3)
  )

  def open_clips(folder, opened, directions, use_silent_sound):
    assert opened is method
    assert not use_silent_sound
    assert directions == circles.DIRECTIONS
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
    found = circles.embedded()
    if network == 5:  # the second network of random weights finds nothing
      rows = circles.circle(180, 270, 0, 90)
      found["video"] = found["video"]._replace(spaces={"va": rows, "vat": rows})
    return {name: found[name] for name in ("video", "text")}

  def calibrate(network, clips, word_ids, settings, seed):
    assert word_ids.tolist() == circles.embedded()["text"].word_ids.tolist()
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
  assert stored_config.from_tree(protocol["train_view"]).num_frames == 4


def test_without_random_networks_there_is_no_mean(tmp_path, monkeypatch):
  tree, done = _measure(tmp_path, monkeypatch, 0)
  assert done == [("embed", "trained")]
  assert tree["random_initialisation"]["runs"] == []
  assert set(tree["random_initialisation"]["mean"].values()) == {None}
  assert "random" not in measuring.table(tree)


def test_table_holds_every_figure_in_per_cent(tmp_path, monkeypatch):
  tree, _ = _measure(tmp_path, monkeypatch, 2)
  lines = [line.split() for line in measuring.table(tree).splitlines()]
  assert lines[0][-4:] == ["R@1", "R@5", "R@10", "MedR"]
  assert " ".join(lines[1]) == (
    "text to video (vat): 4 queries, 3 to search, 2 queries ambiguous"
  )
  assert lines[2] == ["pretrained", "75.0", "100.0", "100.0", "1.0"]
  assert lines[3][:3] == ["random", "initialisation", "37.5"]
  assert lines[4] == ["chance", "33.3", "100.0", "100.0", "2.0"]
  assert " ".join(lines[5]).startswith("video to text (vat): 3 queries, 4 to")
