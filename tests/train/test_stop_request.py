import os
import signal
import subprocess
import sys
import threading

import pytest
import tensorflow as tf

from tfvssl.train import stop_request


@pytest.fixture
def request_of_one_process():
  return stop_request.StopRequest(tf.distribute.get_strategy())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_is_noted_and_nothing_stops(request_of_one_process, number):
  with request_of_one_process.listening():
    assert not request_of_one_process.requested()
    signal.raise_signal(number)
    assert request_of_one_process.requested()


def test_handlers_are_as_before_when_the_block_ends(request_of_one_process):
  numbers = (signal.SIGTERM, signal.SIGINT)
  before = [signal.getsignal(number) for number in numbers]
  with pytest.raises(RuntimeError, match="within"):
    with request_of_one_process.listening():
      during = [signal.getsignal(number) for number in numbers]
      raise RuntimeError("within")
  assert [signal.getsignal(number) for number in numbers] == before
  assert not set(during) & set(before)


_TWICE = """
import os, signal, sys
import tensorflow as tf
from tfvssl.train import stop_request
request = stop_request.StopRequest(tf.distribute.get_strategy())
try:
  with request.listening():
    os.kill(os.getpid(), signal.SIGTERM)
    print("noted", request.requested(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here", flush=True)
finally:
  print("tidied up", flush=True)
"""


def test_second_signal_ends_the_process_at_once():
  result = subprocess.run(
    [sys.executable, "-c", _TWICE],
    capture_output=True,
    text=True,
    timeout=120,
    env={**os.environ, "PYTHONPATH": os.getcwd()},
  )
  assert result.returncode == 128 + signal.SIGTERM
  assert result.stdout.split() == ["noted", "True"]


def test_another_thread_trains_without_hearing(request_of_one_process):
  heard = []

  def train():
    with request_of_one_process.listening():
      heard.append(request_of_one_process.requested())

  before = signal.getsignal(signal.SIGTERM)
  thread = threading.Thread(target=train)
  thread.start()
  thread.join()
  assert heard == [False]
  assert signal.getsignal(signal.SIGTERM) == before
