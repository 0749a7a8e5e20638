"""Binary: writes a checkpoint of 4 MB to the path that is named."""

import tensorflow as tf

from tfvssl.runtime import exit_codes


def main(argv: list[str]) -> int:
  """Writes it and returns the exit code."""
  checkpoint = tf.train.Checkpoint(weights=tf.Variable(tf.zeros([1000, 1000])))
  checkpoint.write(argv[1])
  return exit_codes.OK
