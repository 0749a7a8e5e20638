"""Which of several processes is the chief."""

import pytest

from tfvssl.runtime import workers


@pytest.mark.parametrize(
  ("task_type", "task_id", "has_chief", "expected"),
  [
    (None, None, False, True),
    ("worker", 0, False, True),
    ("worker", 1, False, False),
    ("worker", 0, True, False),
    ("chief", 0, True, True),
  ],
)
def test_one_task_is_the_chief(task_type, task_id, has_chief, expected):
  assert workers.is_chief_task(task_type, task_id, has_chief) == expected
