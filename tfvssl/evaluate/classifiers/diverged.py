"""What ends a training whose settings do not suit it."""

from tfvssl.runtime import exit_codes


class Diverged(exit_codes.UserError):
  """A training with these settings led to what is not finite."""

  def __init__(self, message: str):
    super().__init__(exit_codes.NUMERICAL, message)
