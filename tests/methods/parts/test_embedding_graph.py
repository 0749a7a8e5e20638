"""Which spaces the three graphs have; the heads' values are golden."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.methods.parts import embedding_graph
from tfvssl.methods.parts.embedding_graph import Graph
from tfvssl.methods.parts.embedding_graph import Head


def _graph(graph, partners=("audio", "text"), video_head=Head.LINEAR):
  tf.keras.utils.set_random_seed(1)
  return embedding_graph.EmbeddingGraph(
    graph,
    video_head=video_head,
    partner_heads={name: Head.LINEAR for name in partners},
    fine_dim=6,
    coarse_dim=4,
    relu_before_coarse=True,
  )


def _features(dims=5, seed=0):
  return tf.random.stateless_normal([3, dims], [seed, 0])


def _sizes(embeddings):
  return {space: z.shape.as_list() for space, z in embeddings.items()}


def test_fine_space_for_sound_coarse_space_for_text():
  graph = _graph(Graph.FINE_AND_COARSE)
  assert graph.spaces == {"audio": "va", "text": "vat"}
  both = {"va": [3, 6], "vat": [3, 4]}
  assert _sizes(graph.video(_features())) == both
  assert _sizes(graph.audio(_features())) == both
  assert _sizes(graph.text(_features())) == {"vat": [3, 4]}


def test_sound_stays_in_the_fine_space_while_it_is_trained():
  graph = _graph(Graph.FINE_AND_COARSE)
  assert _sizes(graph.audio(_features(), training=True)) == {"va": [3, 6]}


def test_one_projection_leads_from_fine_to_coarse_for_both():
  graph = _graph(Graph.FINE_AND_COARSE)
  video, audio = graph.video(_features()), graph.audio(_features(seed=1))
  for embeddings in (video, audio):
    np.testing.assert_array_equal(
      graph.fine_to_coarse(embeddings["va"]), embeddings["vat"]
    )


@pytest.mark.parametrize(
  ("partners", "space"),
  [(("audio", "text"), "vat"), (("audio",), "va"), (("text",), "vt")],
)
def test_shared_space_is_called_by_all_who_meet_there(partners, space):
  graph = _graph(Graph.SHARED, partners)
  assert graph.spaces == dict.fromkeys(partners, space)
  assert _sizes(graph.video(_features())) == {space: [3, 6]}
  for name in partners:
    embed = getattr(graph, name)
    assert _sizes(embed(_features())) == {space: [3, 6]}


def test_disjoint_spaces_have_a_head_of_the_video_each():
  graph = _graph(Graph.DISJOINT)
  assert graph.spaces == {"audio": "va", "text": "vt"}
  video = graph.video(_features())
  assert _sizes(video) == {"va": [3, 6], "vt": [3, 6]}
  assert np.abs(video["va"] - video["vt"]).max() > 0.1


def test_linear_head_is_one_matrix():
  graph = _graph(Graph.SHARED, ("audio",))
  first, second = _features(), _features(seed=1)
  both = graph.video(first + 2 * second)["va"]
  bias = graph.video(tf.zeros([3, 5]))["va"]
  apart = graph.video(first)["va"] + 2 * graph.video(second)["va"] - 2 * bias
  np.testing.assert_allclose(both, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("graph", list(Graph))
def test_published_names_cover_every_variable_once(graph):
  layer = _graph(graph, video_head=Head.NON_LINEAR)
  layer.video(_features())
  layer.audio(_features())
  layer.text(_features())
  named = layer.haiku_variables("root")
  assert {variable.ref() for variable in named.values()} == {
    variable.ref() for variable in layer.variables
  }
  assert len(named) == len(layer.variables)
  modules = {name.split("/")[1] for name in named}
  expected = {"audio_embd", "txt_embd", "vis_embd", "vid2audio_embd"}
  # Where all share a space there is one head of the video.
  assert modules == expected - (
    {"vid2audio_embd"} if graph == Graph.SHARED else set()
  )
