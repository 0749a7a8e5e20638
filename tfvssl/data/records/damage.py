"""One line that names what is damaged in the records that were read."""

from collections.abc import Iterator
import contextlib

import tensorflow as tf

from tfvssl.data.records import reader
from tfvssl.runtime import exit_codes

# What a broken picture, a wrong checksum, a cut or a lost shard raise.
_READ_ERRORS = (
  tf.errors.InvalidArgumentError,
  tf.errors.DataLossError,
  tf.errors.FailedPreconditionError,
  tf.errors.NotFoundError,
  tf.errors.PermissionDeniedError,
)


@contextlib.contextmanager
def explained(*records: reader.Records) -> Iterator[None]:
  """Turns what a damaged record raises into one line that names it.

    with damage.explained(records):
      for views in dataset: ...

  Memory that does not suffice is not damage: such errors pass, as do those
  that the body explains itself.

  Args:
    *records: that the body reads.

  Raises:
    exit_codes.UserError: with exit_codes.DATA; see
      `check.explain_read_error`.
  """
  try:
    yield
  except _READ_ERRORS as error:
    from tfvssl.data.records import check  # not of use to whole records

    raise exit_codes.UserError(
      exit_codes.DATA, check.explain_read_error(error, *records)
    ) from error
