"""Faults that are made to happen, and the tests that make them.

Numbers are those of the project's fault catalogue: A preparation, B records,
C views, D training, E evaluation, F exports, G hostile input, and 1 to 16 the
figures that all of it is accepted by.
"""

from tests.reliability import figures
from tests.reliability import inputs
from tests.reliability import outside
from tests.reliability import runs

FAULTS = (
  *inputs.PREPARATION,
  *inputs.RECORDS,
  *inputs.VIEWS,
  *runs.TRAINING,
  *runs.EVALUATION,
  *outside.EXPORTS,
  *outside.HOSTILE,
)
FIGURES = figures.FIGURES
