"""Words reach TensorBoard as they were written."""

import tensorflow as tf

from tfvssl.train import summary_text


def test_words_are_below_their_name_and_step(tmp_path):
  words = summary_text.as_it_stands('{\n "a": 1\n}')
  assert words == '    {\n     "a": 1\n    }'
  summary_text.write(tmp_path, 7, "config", words)
  (path,) = tmp_path.iterdir()
  (value,) = [
    (event.step, value.tag, tf.make_ndarray(value.tensor)[()].decode())
    for event in tf.compat.v1.train.summary_iterator(str(path))
    for value in event.summary.value
  ]
  assert value == (7, "config", words)
