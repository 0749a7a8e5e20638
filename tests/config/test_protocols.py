"""What the protocols' settings share, and the sections of an experiment."""

import dataclasses

import pytest

from tfvssl.config import experiment
from tfvssl.config import protocols


def test_sections_are_the_fields_of_settings():
  sections = experiment.protocol_sections()
  assert sections[0] == "svm"
  kinds = {f.name: f.type for f in dataclasses.fields(experiment.Experiment)}
  for name, kind in kinds.items():
    is_settings = issubclass(kind, protocols.TestViews)
    assert (name in sections) == is_settings, name


def test_views_of_a_forward_pass():
  assert protocols.Svm(batch_size=3).views_per_pass == 3
  assert protocols.Linear(test_batch_size=5).views_per_pass == 5
  with pytest.raises(TypeError) as caught:
    _ = protocols.TestViews().views_per_pass
  assert str(caught.value) == "TestViews defines no `views_per_pass`."


@pytest.mark.parametrize(
  ("kind", "batch_size", "test_batch_size"),
  [
    (protocols.Linear, 512, 16),
    (protocols.FineTune, 256, 16),
    (protocols.FineTuneSgd, 256, 16),
    (protocols.ShallowMlp, 512, 16),
    (protocols.Pascal, 256, 64),
    (protocols.ImageNet, 256, 64),
  ],
)
def test_batches_are_the_papers(kind, batch_size, test_batch_size):
  settings = kind()
  assert settings.batch_size == batch_size
  assert settings.test_batch_size == test_batch_size


@pytest.mark.parametrize(
  ("settings", "field"),
  [
    (protocols.Svm(batch_size=0), "batch_size"),
    (protocols.Retrieval(batch_size=0), "batch_size"),
    (protocols.ShallowMlp(batch_size=0), "batch_size"),
    (protocols.ImageNet(test_batch_size=0), "test_batch_size"),
    (protocols.FineTune(spatial_crops=0), "spatial_crops"),
  ],
)
def test_what_counts_must_be_above_0(settings, field):
  with pytest.raises(ValueError, match=rf"^`x.{field}` \(0\) must be above 0"):
    settings.validate("x")
