"""A run that is told to stop saves first."""

from collections.abc import Iterator
import contextlib
import os
import signal
import threading

import tensorflow as tf


class Stopped(Exception):
  """A training ended before its last step, as it was told to."""


class StopRequest:
  """Notes SIGTERM and Ctrl-C; a second one ends the process at once.

  TensorFlow's preemption handlers do nothing on Cloud TPU VMs. Where workers
  must agree or a TPU is not waited for, keep `scalars_every` below the grace
  time.
  """

  def __init__(self, strategy: tf.distribute.Strategy):
    self._noted = False
    self._strategy = strategy

  @contextlib.contextmanager
  def listening(self) -> Iterator[None]:
    """Handles the signals until the block ends.

    In another thread than the main one nothing is heard: Python forbids it.
    """
    if threading.current_thread() is not threading.main_thread():
      yield
      return
    old = {
      number: signal.signal(number, self._note)
      for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
      yield
    finally:
      for number, handler in old.items():
        signal.signal(number, handler or signal.SIG_DFL)

  def _note(self, number, frame):
    del frame
    if self._noted:
      os._exit(128 + number)
    self._noted = True

  def after_any_step(self) -> bool:
    """Returns `requested` where a look after every step costs nothing."""
    return self._noted and not isinstance(
      self._strategy,
      (tf.distribute.MultiWorkerMirroredStrategy, tf.distribute.TPUStrategy),
    )

  def requested(self) -> bool:
    """Returns whether this or, with several workers, any process was told."""
    if not isinstance(
      self._strategy, tf.distribute.MultiWorkerMirroredStrategy
    ):
      return self._noted
    noted = self._strategy.run(lambda: tf.constant(float(self._noted)))
    total = self._strategy.reduce(tf.distribute.ReduceOp.SUM, noted, None)
    return float(total) > 0
