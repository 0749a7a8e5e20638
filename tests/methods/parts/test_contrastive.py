import numpy as np
import pytest
import tensorflow as tf

from tests import two_replicas
from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts.contrastive import Form

_TAU = 0.5


def _loss(video, other, present=None, form=Form.PAPER):
  video, other = np.float32(video), np.float32(other)
  present = np.ones(len(video)) if present is None else np.float32(present)
  return contrastive.loss(
    video, other, present, temperature=_TAU, form=form
  ).numpy()


# Two clips on the axes: s_11 = s_22 = 1 / tau = 2, s_12 = s_21 = 0.
_AXES = [[1, 0], [0, 1]]
_OTHERS = [[[1, 0]], [[0, 1]]]


@pytest.mark.parametrize(
  ("form", "expected"),
  [
    (Form.PAPER, np.log(np.exp(2) + 2) - 2),
    (Form.RELEASED, np.log(2 * np.exp(2) + 2) - 2),
    (Form.ROW, np.log(np.exp(2) + 1) - 2),
    (Form.COLUMN, np.log(np.exp(2) + 1) - 2),
    (Form.SYMMETRIC, 2 * (np.log(np.exp(2) + 1) - 2)),
    (Form.LOGISTIC, 0.5 * (np.log1p(np.exp(-2)) + np.log(2))),
  ],
)
def test_two_clips_by_hand(form, expected):
  np.testing.assert_allclose(
    _loss(_AXES, _OTHERS, form=form), expected, rtol=1e-6
  )


def test_any_caption_of_the_clip_is_a_positive():
  """-ln((e^2 + e^0) / (e^2 + e^0 + negatives)), MIL-NCE."""
  others = [[[1, 0], [0, 0]], [[0, 1], [0, 0]]]
  positive = np.exp(2) + 1
  # Row: both captions of the other clip, scores 0; column: the other video
  # against both captions of this clip, scores 0.
  expected = np.log(positive + 4) - np.log(positive)
  np.testing.assert_allclose(_loss(_AXES, others), expected, rtol=1e-6)


def test_without_sound_there_is_no_loss_and_only_the_video_is_a_negative():
  three = [*_AXES, [1, 0]]
  others = [*_OTHERS, [[1, 0]]]
  present = [1, 1, 0]
  # The third video still is a negative of the first two sounds: column.
  first = np.log(np.exp(2) + 1 + 1 + np.exp(2)) - 2
  second = np.log(np.exp(2) + 1 + 1 + 1) - 2
  np.testing.assert_allclose(
    _loss(three, others, present), (first + second) / 2, rtol=1e-6
  )


@pytest.mark.parametrize("form", list(Form))
def test_nothing_present_gives_zero_and_zero_gradients(form):
  video, other = tf.Variable(_AXES, dtype="float32"), np.float32(_OTHERS)
  with tf.GradientTape() as tape:
    value = contrastive.loss(
      video, other, np.zeros(2), temperature=_TAU, form=form
    )
  assert value.numpy() == 0.0
  np.testing.assert_array_equal(tape.gradient(value, video), np.zeros((2, 2)))


@pytest.mark.parametrize("form", list(Form))
def test_zero_embeddings_and_missing_clips_give_finite_gradients(form):
  video = tf.Variable(np.zeros((4, 3), np.float32))
  other = tf.Variable(np.zeros((4, 1, 3), np.float32))
  with tf.GradientTape() as tape:
    value = contrastive.loss(
      video, other, np.float32([1, 0, 1, 0]), temperature=_TAU, form=form
    )
  assert np.isfinite(value)
  for gradient in tape.gradient(value, [video, other]):
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("form", list(Form))
def test_gradient_reaches_both_sides_and_the_negatives(form):
  generator = np.random.default_rng(0)
  video = tf.Variable(generator.normal(size=(3, 4)).astype(np.float32))
  other = tf.Variable(generator.normal(size=(3, 1, 4)).astype(np.float32))
  with tf.GradientTape() as tape:
    value = contrastive.per_sample(
      video, other, np.ones(3, np.float32), temperature=_TAU, form=form
    )[0]
  of_video, of_other = tape.gradient(value, [video, other])
  assert np.abs(of_video[0]).max() > 0
  assert np.abs(of_other[0]).max() > 0
  sees_other_videos = form not in (Form.ROW, Form.LOGISTIC)
  assert (np.abs(of_video[1:]).max() > 0) == sees_other_videos
  assert (np.abs(of_other[1:]).max() > 0) == (form != Form.COLUMN)


def test_logistic_loss_by_hand():
  generator = np.random.default_rng(1)
  video = generator.normal(size=(4, 3))
  other = generator.normal(size=(4, 1, 3))
  present = np.array([1, 1, 0, 1])
  scores = video @ other[:, 0].T / _TAU
  values = []
  for i in (0, 1, 3):
    rest = [np.log1p(np.exp(scores[i, j])) for j in (0, 1, 3) if j != i]
    values.append(0.5 * (np.log1p(np.exp(-scores[i, i])) + np.mean(rest)))
  np.testing.assert_allclose(
    _loss(video, other, present, Form.LOGISTIC), np.mean(values), rtol=1e-6
  )


def test_logistic_loss_refuses_several_candidates():
  with pytest.raises(
    ValueError, match="takes one candidate, not 2; use NCE for text"
  ):
    _loss(_AXES, np.zeros((2, 2, 2)), form=Form.LOGISTIC)


def test_compiled_equals_eager():
  generator = np.random.default_rng(2)
  video = tf.constant(generator.normal(size=(4, 8)), tf.float32)
  other = tf.constant(generator.normal(size=(4, 3, 8)), tf.float32)
  present = tf.constant([1.0, 0.0, 1.0, 1.0])
  for form in (Form.PAPER, Form.RELEASED, Form.SYMMETRIC):
    compiled = tf.function(
      lambda form=form: contrastive.loss(
        video, other, present, temperature=_TAU, form=form
      ),
      jit_compile=True,
      autograph=False,
    )
    # 1e-6: XLA orders the sums of the softmax otherwise.
    np.testing.assert_allclose(
      compiled(), _loss(video, other, present, form), rtol=1e-6
    )


def test_two_replicas_equal_one_with_uneven_masks(tmp_path):
  """Loss and gradients; on the second replica most has no partner."""
  # 1e-6 of the largest: sums over the batch in another order.
  two_replicas.check_equal(
    "tests.methods.parts.contrastive_on_replicas", tmp_path, 3 * len(Form), 1e-6
  )
