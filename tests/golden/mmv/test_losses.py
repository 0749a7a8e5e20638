"""NCE and MIL-NCE against float64 definitions; 1e-5 is what the README allows.

Of a file's largest value: single losses near zero lose digits in float32.
"""

import re

import numpy as np
import pytest

from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts import losses

_FORMS = {
  "joint_pos_once": contrastive.Form.PAPER,
  "joint_pos_twice": contrastive.Form.RELEASED,
  "row": contrastive.Form.ROW,
  "col": contrastive.Form.COLUMN,
  "sym_sum": contrastive.Form.SYMMETRIC,
}


@pytest.fixture(scope="module")
def vectors(mmv_golden):
  return mmv_golden("losses")


def _cases(vectors):
  cases = [name.split("|")[0] for name in vectors if name.endswith("|video")]
  assert cases
  return cases


def _inputs(vectors, case):
  """Returns the embeddings, the mask and tau of a case."""
  video, other = vectors[f"{case}|video"], vectors[f"{case}|other"]
  if vectors[f"{case}|normalize"]:
    video, other = losses.unit(video).numpy(), losses.unit(other).numpy()
  other = other.reshape(len(video), int(vectors[f"{case}|L"]), -1)
  mask = vectors.get(f"{case}|mask", np.ones(len(video)))
  return video, other, mask, float(vectors[f"{case}|tau"])


def _check(found, expected, name):
  size = max(1.0, np.abs(expected).max())
  np.testing.assert_allclose(
    found, expected, rtol=1e-5, atol=1e-5 * size, err_msg=name
  )


def _split(name):
  """Returns the measure and the form that a key ends in."""
  _, *measure, form = name.split("|")
  return "|".join(measure), form


def test_every_value_of_every_case(vectors):
  checked = 0
  for case in _cases(vectors):
    video, other, mask, tau = _inputs(vectors, case)
    for name in vectors:
      measure, form = _split(name)
      if not name.startswith(f"{case}|") or form not in _FORMS:
        continue
      found = _measure(measure, video, other, mask, tau, _FORMS[form])
      _check(found, vectors[name], name)
      checked += 1
  assert checked == len([n for n in vectors if _split(n)[1] in _FORMS])


def _measure(measure, video, other, mask, tau, form):
  negatives = np.ones_like(mask) if "not_masked" in measure else mask
  values = contrastive.per_sample(
    video, other, negatives, temperature=tau, form=form
  ).numpy()
  if measure == "per_sample":
    return np.where(mask > 0, values, 0.0)
  if measure == "mean_valid":
    # The product's own way, all of it.
    return contrastive.loss(video, other, mask, temperature=tau, form=form)
  if measure == "negatives_not_masked|mean_valid":
    return contrastive.mean_over_present(values, mask)
  # The released lineage counts what is present on each replica: not ours.
  kind, replicas = re.fullmatch(r"(replica_[a-z]+)(\d+)", measure).groups()
  parts = [
    contrastive.mean_over_present(part, part_mask).numpy()
    for part, part_mask in zip(
      np.split(values, int(replicas)),
      np.split(mask, int(replicas)),
      strict=True,
    )
  ]
  return parts if kind == "replica_values" else np.mean(parts)


def test_totals_are_weighted_sums(vectors):
  """total|lva<a>_lvt<b>|<form>|<sum or weight_normalised>."""
  names = [name for name in vectors if name.startswith("total|")]
  assert names
  for name in names:
    _, weights, form, kind = name.split("|")
    audio, text = (float(part.lstrip("lvat")) for part in weights.split("_"))
    total = audio * _total_part(vectors, "nce_va", form)
    total += text * _total_part(vectors, "milnce_vt", form)
    if kind == "weight_normalised":
      total /= audio + text
    _check(total, vectors[name], name)


def _total_part(vectors, case, form):
  video, other, mask, tau = _inputs(vectors, case)
  return contrastive.loss(
    video, other, mask, temperature=tau, form=_FORMS[form]
  ).numpy()
