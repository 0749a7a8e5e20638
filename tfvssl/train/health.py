"""Whether embeddings collapse, in words, by what is measured of them.

A run whose embeddings are one, or few, learns nothing more, while its loss may
look as good as ever.
"""

from collections.abc import Mapping

from absl import logging

from tfvssl.runtime import storage
from tfvssl.train import summary_text

# losses.embedding_std is 0 where all embeddings are one and 1 where they are
# even; effective_rank counts directions. Small runs that fell below 3
# directions did not come back.
_LEAST_DEVIATION = 0.1
_LEAST_RANK = 3.0
_CLIPS_PER_DIRECTION = 8  # few clips span few directions whatever is learned
_REMEDY = (
  "try a lower `schedule.peak`, a longer warm-up, a larger batch or stronger"
  " augmentation, and look at the views in TensorBoard"
)


def ended(found: list[str]) -> str:
  """Returns the line for the end of a run with such problems."""
  return f"the run ends collapsed: {'; '.join(found)}; {_REMEDY}."


def problems(metrics: Mapping[str, float], clips: int) -> list[str]:
  """Returns what is wrong with the embeddings, in words; empty if nothing is.

  Args:
    metrics: by name, as a method's loss returns them.
    clips: of a batch, over all replicas, that they are measured on.
  """
  least_rank = min(_LEAST_RANK, clips / _CLIPS_PER_DIRECTION)
  found = []
  for name, value in metrics.items():
    kind, _, view = name.partition("/")
    if kind == "embedding_std" and not value >= _LEAST_DEVIATION:
      found.append(
        f"the embeddings of {view} have become nearly one (`{name}` is"
        f" {value:.3f}; 1 is even)"
      )
    elif kind == "effective_rank" and not value >= least_rank:
      found.append(
        f"the embeddings of {view} spread over {value:.1f} directions only"
        f" (`{name}`; at least {least_rank:g} are hoped for)"
      )
  return found


class Health:
  """Follows a run and says it when its embeddings collapse, and recover."""

  def __init__(self, clips: int, folder: storage.PathLike | None):
    """Has seen nothing yet.

    Args:
      clips: see `problems`.
      folder: of the text for TensorBoard; None for none.
    """
    self._clips = clips
    self._folder = folder
    self._before: list[str] = []
    self._said = False
    self._measured = ""

  def note(self, step: int, metrics: Mapping[str, float]) -> None:
    """Takes what was measured up to a step.

    Two logged means in a row must be bad: a single one may be chance.
    """
    found = problems(metrics, self._clips)
    self._measured = ", ".join(
      f"{name} {value:.2f}"
      for name, value in metrics.items()
      if name.startswith(("embedding_std/", "effective_rank/"))
    )
    bad = bool(found and self._before)
    self._before = found
    if bad and not self._said:
      self._say(step, f"collapse: {'; '.join(found)}; {_REMEDY}.")
    elif self._said and not found:
      self._say(step, "the embeddings have recovered from their collapse.")
    self._said = bad or (self._said and bool(found))

  def in_words(self) -> str:
    """Returns how the embeddings are at the end, also where they are well."""
    if self._measured and not self._before:
      return f"the embeddings are apart, as they should be: {self._measured}."
    return self.last_words() or self._measured or "nothing was measured."

  def last_words(self) -> str:
    """Returns a line for the end of a run; empty if nothing is wrong."""
    return ended(self._before) if self._said else ""

  def _say(self, step, words):
    logging.warning("step %d: %s", step, words)
    if self._folder is not None:
      summary_text.write(self._folder, step, "health", words)
