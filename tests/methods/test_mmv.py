import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_mmv_runs
from tfvssl import views
from tfvssl.methods import mmv
from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts import losses
from tfvssl.methods.parts.embedding_graph import Graph
from tfvssl.methods.parts.embedding_graph import Head
from tfvssl.train import weights

_CLIPS = 4


@pytest.fixture(scope="module")
def words(tmp_path_factory):
  return tiny_mmv_runs.vocabulary(tmp_path_factory.mktemp("words"))


def _config(words, partners=("audio", "text"), **changes):
  settings = tiny_mmv_runs.method_config(words, **changes)
  settings.partners = {name: settings.partners[name] for name in partners}
  return settings


def _method(words, partners=("audio", "text"), **changes):
  tf.keras.utils.set_random_seed(0)
  method = _config(words, partners, **changes).build()
  weights.build_weights(method)
  return method


@pytest.fixture(scope="module")
def plain(words):
  """The method of the defaults, which no test changes."""
  return _method(words)


def _unit(x):
  return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _nce_by_hand(video, other, present):
  """Eq. 2 to 8: positives over positives and the pairs with other clips."""
  video, other = _unit(video), _unit(other)
  scores = np.einsum("id,jkd->ijk", video, other) / 0.07
  found = []
  for i in np.flatnonzero(present):
    own = np.exp(scores[i, i]).sum()
    row = sum(
      np.exp(scores[i, j]).sum()
      for j in range(len(video))
      if j != i and present[j]
    )
    column = sum(
      np.exp(scores[j, i]).sum() for j in range(len(video)) if j != i
    )
    found.append(-np.log(own / (own + row + column)))
  return np.mean(found)


@pytest.mark.parametrize(
  ("graph", "audio_space", "text_space"),
  [
    (Graph.FINE_AND_COARSE, "va", "vat"),
    (Graph.DISJOINT, "va", "vt"),
    (Graph.SHARED, "vat", "vat"),
  ],
)
def test_loss_is_equation_1(words, graph, audio_space, text_space):
  method = _method(words, graph=graph)
  method.config.partners["text"].weight = 10.0
  batch = tiny_mmv_runs.batch(method, _CLIPS)
  seen = method.augment(batch, 0)
  video = method.graph.video(method.video_backbone(seen["video"].video))
  audio = method.graph.audio(
    method.partner_backbones["audio"](seen["audio"].audio)
  )
  ids = tf.reshape(batch["text"].text, [-1, 4])
  text = method.graph.text(method.partner_backbones["text"](ids))
  z_text = text[text_space].numpy().reshape(_CLIPS, 2, -1)
  expected_audio = _nce_by_hand(
    video[audio_space].numpy(),
    audio[audio_space].numpy()[:, np.newaxis],
    batch["audio"].mask.numpy(),
  )
  expected_text = _nce_by_hand(
    video[text_space].numpy(), z_text, batch["text"].mask.numpy()
  )
  found = method.loss(batch, 0, training=False)
  # 1e-4: cosines of float32 networks, divided by 0.07.
  np.testing.assert_allclose(
    found.metrics["loss/video_audio"], expected_audio, rtol=1e-4
  )
  np.testing.assert_allclose(
    found.metrics["loss/video_text"], expected_text, rtol=1e-4
  )
  np.testing.assert_allclose(
    found.loss, expected_audio + 10 * expected_text, rtol=1e-4
  )
  assert found.metrics["present/audio"].numpy() == 0.75
  assert found.metrics["present/text"].numpy() == 0.5


def test_dimensions_of_the_spaces(plain):
  found = plain.embeddings(
    tiny_mmv_runs.batch(plain, _CLIPS), 0, training=False
  )
  sizes = {
    modality: {space: z.shape[-1] for space, z in spaces.items()}
    for modality, spaces in found.items()
  }
  assert sizes == {
    "video": {"va": 12, "vat": 8, "backbone": 32},
    "audio": {"va": 12, "vat": 8},
    "text": {"vat": 8},
  }


@pytest.mark.parametrize("graph", list(Graph))
def test_every_variable_gets_a_gradient(words, graph):
  method = _method(words, graph=graph)
  batch = tiny_mmv_runs.batch(method, _CLIPS)
  with tf.GradientTape() as tape:
    loss, *_ = method.loss(batch, 0)
  variables = method.trainable_variables
  gradients = tape.gradient(loss, variables)
  without = [v.name for v, g in zip(variables, gradients) if g is None]
  assert not without
  assert all(np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients)


def test_the_word_table_is_frozen(plain):
  table = [v for v in plain.variables if tuple(v.shape) == (8, 6)]
  assert len(table) == 1
  assert not [v for v in plain.trainable_variables if v is table[0]]


def test_the_way_from_fine_to_coarse_learns_from_videos_alone(words):
  method = _method(words)
  batch = tiny_mmv_runs.batch(method, _CLIPS)
  norm = method.graph.fine_to_coarse.norm
  seen = method.augment(batch, 0)
  features = method.video_backbone(seen["video"].video, training=True)
  fine = method.graph.video_heads["va"](features, training=True)
  expected = 0.1 * tf.reduce_mean(
    method.graph.fine_to_coarse.linear(fine), axis=0
  )
  fresh = _method(words)
  norm = fresh.graph.fine_to_coarse.norm
  fresh.loss(batch, 0, training=True)
  # 1e-5: batch statistics of four clips in float32.
  np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-4, atol=1e-5)


def test_sound_meets_text_through_the_shared_projection(plain):
  encoders = plain.encoders()
  log_mel = tf.random.stateless_uniform([3, 7, 40], [1, 2])
  found = encoders["audio"](log_mel)
  fine = plain.graph.partner_heads["audio"](found["backbone"])
  np.testing.assert_allclose(found["va"], fine, rtol=1e-6)
  coarse = plain.graph.fine_to_coarse(fine)
  np.testing.assert_allclose(found["vat"], coarse, rtol=1e-6)
  np.testing.assert_array_equal(found["embedding"], found["vat"])


@pytest.mark.parametrize("graph", list(Graph))
def test_encoders_name_the_spaces_that_they_answer(words, graph):
  """The finest first; the same whether there are weights or not."""
  settings = tiny_mmv_runs.method_config(words, graph=graph)
  expected = {
    Graph.FINE_AND_COARSE: (("va", "vat"),) * 2 + (("vat",),),
    Graph.SHARED: (("vat",),) * 3,
    Graph.DISJOINT: (("va", "vt"), ("va",), ("vt",)),
  }[graph]
  encoders = settings.build().encoders()
  assert [encoders[n].spaces for n in ("video", "audio", "text")] == [*expected]
  ids = tf.zeros([2, 4], tf.int32)
  log_mel = tf.ones([2, 13, 40])
  video = tf.ones([2, 4, 16, 16, 3])
  for name, inputs in (("video", video), ("audio", log_mel), ("text", ids)):
    outputs = encoders[name](inputs)
    assert {*outputs} == {"backbone", "embedding", *encoders[name].spaces}


def test_encoder_on_another_backbone_keeps_its_part_of_the_graph(plain):
  video = plain.encoders()["video"]
  assert video.backbone_config is plain.config.video_backbone
  image = dataclasses.replace(video.spec, num_frames=1)
  features = tf.random.stateless_normal([3, 32], [1, 2])
  other = video.with_backbone(image, tf.keras.layers.Lambda(lambda x: x))
  assert other.spec.num_frames == 1 and other.backbone_config is None
  expected = plain.graph.video(features)
  found = other(features)
  for space in ("va", "vat"):
    tf.debugging.assert_equal(found[space], expected[space])
  tf.debugging.assert_equal(found["embedding"], expected["vat"])


def test_encoders_say_what_they_take(plain):
  encoders = plain.encoders()
  assert isinstance(encoders["video"].spec, views.RgbViewSpec)
  assert isinstance(encoders["audio"].spec, views.AudioViewSpec)
  assert isinstance(encoders["text"].spec, views.TextViewSpec)
  ids = tf.constant([[4, 6, 7, 0], [5, 6, 0, 0]])
  found = encoders["text"](ids)
  assert set(found) == {"backbone", "embedding", "vat"}
  # Words may come in any order: the maximum over positions.
  turned = encoders["text"](tf.reverse(ids, [1]))
  np.testing.assert_allclose(found["vat"], turned["vat"], rtol=1e-6)


def test_relu_before_the_coarse_space_is_an_option(words, plain):
  released = _method(words, relu_before_coarse=True)
  batch = tiny_mmv_runs.batch(plain, _CLIPS)
  found = plain.embeddings(batch, 0, training=False)["video"]
  other = released.embeddings(batch, 0, training=False)["video"]
  np.testing.assert_array_equal(found["va"], other["va"])
  expected = plain.graph.fine_to_coarse(tf.nn.relu(found["va"]))
  np.testing.assert_allclose(other["vat"], expected, rtol=1e-5, atol=1e-6)
  assert np.abs(found["vat"] - other["vat"]).max() > 1e-3


@pytest.mark.parametrize(
  ("partner", "space"), [("audio", "va"), ("text", "vt")]
)
def test_one_partner_has_one_space(words, partner, space):
  method = _method(words, (partner,), graph=Graph.SHARED)
  found = method.embeddings(
    tiny_mmv_runs.batch(method, _CLIPS), 0, training=False
  )
  assert set(found) == {"video", partner}
  assert found["video"][space].shape == (_CLIPS, 12)
  assert method.graph.fine_to_coarse is None


def test_logistic_loss_of_the_sound(words):
  method = _method(words, ("audio",), graph=Graph.SHARED)
  method.config.partners["audio"].loss = contrastive.Form.LOGISTIC
  batch = tiny_mmv_runs.batch(method, _CLIPS)
  found = method.embeddings(batch, 0, training=False)
  expected = contrastive.loss(
    losses.unit(found["video"]["va"]),
    losses.unit(found["audio"]["va"])[:, tf.newaxis],
    batch["audio"].mask,
    temperature=0.07,
    form=contrastive.Form.LOGISTIC,
  )
  np.testing.assert_allclose(
    method.loss(batch, 0, training=False).loss, expected, rtol=1e-6
  )


def test_head_kinds(words, plain):
  linear = _method(words, video_head=Head.LINEAR)
  head = linear.graph.video_heads["va"]
  features = tf.random.stateless_uniform([3, 32], [1, 2])
  np.testing.assert_allclose(
    head(features),
    features.numpy() @ head.linear.kernel.numpy() + head.linear.bias.numpy(),
    rtol=1e-4,
    atol=1e-6,
  )
  deep = plain.graph.video_heads["va"]
  assert [v.shape for v in deep.trainable_variables] == [
    (32, 12),
    (12,),
    (12, 12),
    (12,),
    (12,),
    (12,),
    (12,),
  ]


def test_pictures_stay_in_range_and_sound_becomes_log_mel(plain):
  batch = tiny_mmv_runs.batch(plain, _CLIPS)
  seen = plain.augment(batch, 0)
  assert 0 <= seen["video"].video.numpy().min()
  assert seen["video"].video.numpy().max() <= 1
  assert seen["audio"].waveform is None
  assert seen["audio"].audio.shape == (_CLIPS, 13, 40)
  np.testing.assert_array_equal(seen["text"].text, batch["text"].text)


def test_step_compiles(plain):
  batch = tiny_mmv_runs.batch(plain, _CLIPS)
  compiled = tf.function(
    lambda: plain.loss(batch, 0, training=False).loss,
    jit_compile=True,
    autograph=False,
  )
  # 1e-2: XLA's FFT on the CPU is less exact next to zero.
  np.testing.assert_allclose(
    compiled(), plain.loss(batch, 0, training=False).loss, rtol=1e-2
  )


def _clip(frames=30, sound_s=1.2):
  """Returns a clip whose sound is its own time, in 1/1000 of full scale."""
  image = tf.io.encode_jpeg(tf.zeros([24, 24, 3], tf.uint8))
  samples = np.arange(int(sound_s * 48_000)) / 48_000
  return views.Clip(
    clip_id=tf.constant("clip"),
    sample_index=tf.constant(3, tf.int64),
    epoch=tf.constant(1, tf.int64),
    label=tf.constant(-1, tf.int64),
    num_frames=tf.constant(frames),
    frames=tf.fill([frames], image),
    waveform=tf.constant(np.int16(samples * 16_384)),
    captions=tf.constant(["a red disc", "hums"]),
    caption_times_s=tf.constant([[0.0, 0.1], [0.9, 1.2]]),
  )


def test_sound_and_pictures_start_together(plain):
  found = plain.sample_views(_clip(), seed=5)
  start_s = found["video"].start_s.numpy()
  np.testing.assert_allclose(found["audio"].waveform[0] * 2, start_s, atol=1e-3)
  assert found["audio"].mask == 1 and found["text"].mask == 1
  # <pad> is 0, <unk> 3; two candidates in order of time.
  np.testing.assert_array_equal(
    found["text"].text, [[3, 4, 6, 0], [7, 0, 0, 0]]
  )


def test_a_clip_without_sound_and_captions_is_masked(plain):
  clip = _clip()._replace(
    waveform=tf.zeros([0], tf.int16),
    captions=tf.zeros([0], tf.string),
    caption_times_s=tf.zeros([0, 2]),
  )
  found = plain.sample_views(clip, seed=5)
  for name in ("audio", "text"):
    assert found[name].mask == 0
  assert not found["audio"].waveform.numpy().any()
  assert not found["text"].text.numpy().any()


@pytest.mark.parametrize(
  ("partners", "changes", "message"),
  [
    ((), {}, r"`method.partners` \(empty\) must be audio, text or both"),
    (
      ("audio",),
      {},
      r"`method.graph` \(fine_and_coarse\) needs audio and text; with audio"
      " alone use shared",
    ),
    (
      ("audio", "text"),
      {"temperature": 0.0},
      r"`method.temperature` \(0.0\) must be above 0",
    ),
    (
      ("audio", "text"),
      {"coarse_dim": 0},
      r"`method.coarse_dim` \(0\) must be above 0",
    ),
  ],
)
def test_config_errors(words, partners, changes, message):
  with pytest.raises(ValueError, match=message):
    _config(words, partners, **changes).validate()


def test_partner_errors(words):
  settings = _config(words)
  settings.partners["text"].loss = contrastive.Form.LOGISTIC
  with pytest.raises(
    ValueError, match=r"`method.partners.text.loss` \(logistic\) takes one"
  ):
    settings.validate()
  settings = _config(words)
  settings.partners["audio"].weight = 0.0
  with pytest.raises(
    ValueError, match=r"`method.partners.audio.weight` \(0.0\) must be above 0"
  ):
    settings.validate()
  settings = _config(words)
  settings.partners["text"].view = settings.partners["audio"].view
  with pytest.raises(
    ValueError,
    match="`method.partners.text.view` is WaveformViewSpec; it must be"
    " TextViewSpec",
  ):
    settings.validate()


def test_paper_defaults():
  view = mmv.video_view()
  assert (view.num_frames, view.frame_step, view.image_size) == (32, 2.5, 200)
  sound = views.WaveformViewSpec()
  assert sound.num_samples == 153_600
  assert sound.heard.num_frames == 150


def test_a_vocabulary_that_the_table_does_not_hold_is_refused(words):
  settings = _config(words)
  settings.partners["text"].backbone.vocabulary_size = 7
  with pytest.raises(
    ValueError, match=r"has 8 words, .*vocabulary_size` is 7; set it to 8"
  ):
    settings.build()


def test_a_caption_without_any_known_word_is_masked(plain):
  clip = _clip()._replace(captions=tf.constant(["what is this", "?!"]))
  assert plain.sample_views(clip, seed=5)["text"].mask == 0
