"""Views of another size: what changes, and what has no such size."""

import pytest

from tfvssl import views
from tfvssl.config import pictures
from tfvssl.evaluate.samples import view_size
from tfvssl.methods import mmv


def test_only_what_is_given_changes():
  spec = mmv.video_view()
  assert view_size.resized(spec, short_side=224) == spec
  longer = view_size.resized(spec, num_frames=16, short_side=224)
  assert (longer.num_frames, longer.image_size) == (16, 200)
  assert longer.crop == spec.crop
  # All of the frame's short side, scaled before as in the pretraining.
  larger = view_size.resized(spec, image_size=224, short_side=224)
  assert (larger.num_frames, larger.image_size) == (32, 224)
  assert larger.crop == pictures.JitterCrop(scale=(0.8, 1.2), share=1.0)


def test_other_kinds_of_views():
  sound = view_size.resized(views.AudioViewSpec(), seconds=2.0, short_side=224)
  assert sound == views.AudioViewSpec(seconds=2.0)
  flow = view_size.resized(views.FlowViewSpec(), num_frames=8, short_side=224)
  assert flow == views.FlowViewSpec(num_frames=8)
  spec = views.RgbViewSpec()
  found = view_size.resized(spec, image_size=112, short_side=128)
  assert (found.image_size, found.crop) == (112, spec.crop)


@pytest.mark.parametrize(
  ("spec", "size", "message"),
  [
    (views.AudioViewSpec(), {"num_frames": 8}, "--num_frames=8 .* of sound; l"),
    (views.AudioViewSpec(), {"image_size": 8}, "--image_size=8 .* of sound"),
    (views.FlowViewSpec(), {"image_size": 8}, "of pictures or flow; leave it"),
    (views.RgbViewSpec(), {"seconds": 2.5}, "--seconds=2.5 .* pictures or flo"),
  ],
)
def test_what_a_view_does_not_have(spec, size, message):
  with pytest.raises(ValueError, match=message):
    view_size.resized(spec, short_side=224, **size)
