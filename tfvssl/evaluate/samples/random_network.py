"""The same network with initial weights, as fair a baseline as can be.

Fresh batch-norm statistics (mean 0, variance 1) are far from those of any
input: features would be a matter of scale. Forward passes over augmented
training clips bring the statistics to where training would have had them.
"""

import tensorflow as tf

from tfvssl.data.records import reader
from tfvssl.evaluate.samples import features
from tfvssl.methods import base

# What is left of the initial statistics with momentum 0.9: 0.9**64 = 0.12 %.
CALIBRATION_PASSES = 64


def calibrate(
  encoder: base.Encoder,
  records: reader.Records,
  settings: features.Settings,
  passes: int = CALIBRATION_PASSES,
) -> None:
  """Sets the batch-norm statistics of `encoder`; its weights stay as they are.

  Args:
    encoder: with initial weights.
    records: training clips; their labels are not used.
    settings: as for the features.
    passes: batches that go through the network in training mode.
  """
  strategy = tf.distribute.get_strategy()

  def replica_forward(view):
    encoder(features.network_input(view, settings), training=True)

  @tf.function(autograph=False)
  def forward(view):
    strategy.run(replica_forward, args=(view,))

  # Shuffled: records may be sorted by class, and the last batches count most.
  batch_size = features.replica_batch_size(settings.batch_size)
  share = features.Share(batch_size)
  batches = features.training_batches(records, settings, share)
  batches = strategy.experimental_distribute_dataset(batches.take(passes))
  for view in features.read(records, batches):
    forward(view)
