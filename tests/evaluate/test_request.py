"""A request knows what was not asked for."""

import pathlib

from tfvssl.evaluate import request as requests


def test_what_is_at_its_default_is_known():
  request = requests.Request(
    workdir=pathlib.Path("RUN"), protocol="x", seconds=2.0, modality="video"
  )
  assert request.has_default("modality")
  assert request.has_default("image")
  assert request.has_default("same_paths_differ")
  assert not request.has_default("seconds")
