"""The demo's clips: classes are motions and sounds, nothing else."""

import dataclasses

import numpy as np
import pytest

from data_prep.generate_demo import scenes
from tfvssl.evaluate.classifiers import linear_svm


def scene(label, seed=0, shots=2):
  return scenes.draw_scene(label, shots, np.random.default_rng(seed))


def test_unknown_class_is_refused():
  with pytest.raises(ValueError, match="known: blink, bob, circle"):
    scene("jump")


def test_same_seed_gives_the_same_pictures():
  pool = scenes.textures(0)
  first = scenes.render_frames(scene("circle", 3), pool)
  second = scenes.render_frames(scene("circle", 3), pool)
  assert first.shape == (2 * scenes.FRAMES_PER_SHOT, 64, 64, 3)
  assert first.dtype == np.uint8
  np.testing.assert_array_equal(first, second)


def test_appearance_changes_at_a_cut_and_motion_does_not():
  drawn = scene("bob", 1, shots=3)
  shots = [dataclasses.astuple(shot) for shot in drawn.shots]
  assert len(set(shots)) == 3
  phase = scenes.phases(drawn, 25, drawn.num_frames)
  np.testing.assert_allclose(
    np.diff(phase), 2 * np.pi * drawn.frequency_hz / 25, rtol=1e-9
  )


def test_appearance_does_not_depend_on_the_class():
  for label in scenes.CLASSES:
    assert scene(label, 5).shots == scene("sway", 5).shots


@pytest.mark.parametrize("label", scenes.CLASSES)
def test_mirror_image_is_of_the_same_class(label):
  drawn = scene(label, 7, shots=1)
  mirrored = dataclasses.replace(drawn, direction=-drawn.direction)
  phase = scenes.phases(drawn, 25, scenes.FRAMES_PER_SHOT)
  pose = scenes.pose(drawn, phase)
  reflected = scenes.pose(mirrored, phase)
  np.testing.assert_allclose(reflected.x, -pose.x, atol=1e-6)
  np.testing.assert_allclose(reflected.angle, -pose.angle, atol=1e-6)
  for name in ("y", "width", "height", "opacity"):
    np.testing.assert_array_equal(getattr(reflected, name), getattr(pose, name))


def test_classes_are_different_motions():
  poses = set()
  for label in scenes.CLASSES:
    drawn = scene(label, 2)
    pose = scenes.pose(drawn, scenes.phases(drawn, 25, 48))
    moving = tuple(
      field.name
      for field in dataclasses.fields(pose)
      if np.ptp(getattr(pose, field.name)) > 0.1
    )
    poses.add((moving, round(float(np.ptp(pose.width * pose.height)), 1)))
  assert len(poses) >= len(scenes.CLASSES) - 1  # circle and diagonal


def _modulation_hz(sound, band_hz):
  """Returns the strongest frequency of loudness or of pitch below 6 Hz."""
  rate = scenes.SAMPLE_RATE_HZ
  window = rate // 50
  pieces = sound[: len(sound) // window * window].reshape(-1, window)
  spectra = np.abs(np.fft.rfft(pieces * np.hanning(window), axis=1))
  profile = spectra / np.sqrt((spectra**2).mean())
  profile = profile - profile.mean(axis=0)
  size = 16 * len(profile)
  power = (np.abs(np.fft.rfft(profile, size, axis=0)) ** 2).sum(axis=1)
  frequencies = np.fft.rfftfreq(size, 1 / 50)
  inside = (frequencies > band_hz[0]) & (frequencies < band_hz[1])
  return frequencies[inside][np.argmax(power[inside])]


@pytest.mark.parametrize("label", scenes.CLASSES)
def test_sound_is_modulated_at_the_frequency_of_the_motion(label):
  drawn = scene(label, 11, shots=8)
  sound = scenes.render_sound(drawn, np.random.default_rng(0))
  assert len(sound) == drawn.num_frames * 640
  assert np.abs(sound).max() <= 1
  # A beat at both ends of the swing has twice the frequency.
  factor = 2 if label == "diagonal" else 1
  band = (1.3 * factor, 2.7 * factor)
  measured = _modulation_hz(sound, band)
  assert measured == pytest.approx(factor * drawn.frequency_hz, abs=0.05)


def _small_set(seed, count):
  pool = scenes.textures(0)
  histograms, images, labels = [], [], []
  for number in range(count):
    label = number % len(scenes.CLASSES)
    drawn = scene(scenes.CLASSES[label], [seed, number], shots=4)
    frames = scenes.render_frames(drawn, pool)[::4]
    colours = (frames >> 6) @ np.array([16, 4, 1])
    histograms.append(np.bincount(colours.ravel(), minlength=64))
    images.append(frames.mean(axis=0)[::6, ::6].ravel())
    labels.append(label)
  return (
    np.array(histograms, np.float32),
    np.array(images, np.float32),
    np.array(labels),
  )


@pytest.mark.slow
def test_neither_colours_nor_mean_image_tell_the_classes():
  train, test = _small_set(1, 160), _small_set(2, 160)
  for kind in (0, 1):
    samples = [
      linear_svm.Samples(part[kind][:, np.newaxis], part[2], [], [])
      for part in (train, test)
    ]
    accuracy = linear_svm.accuracy(linear_svm.fit(samples[0], 1e-3), samples[1])
    # Chance is 12.5 %; 160 clips scatter by 2.6 points.
    assert accuracy.top_1 < 0.23
