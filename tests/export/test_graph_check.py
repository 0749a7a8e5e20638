"""A SavedModel that does more than compute is named before it is loaded."""

import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests import forked_binaries
from tests.backbones import test_every_backbone as backbones
from tfvssl.data.media import mp4
from tfvssl.export import description
from tfvssl.export import graph_check


@pytest.mark.slow
def test_exports_pass(folder, root):
  graph_check.check(folder)
  graph_check.check(root / "tests" / "fixtures" / "version_0_1" / "export")


def test_every_backbone_passes():
  found = set()
  for case in backbones._CASES.values():
    network = case.config.build("backbone")
    network(tf.zeros([1, *case.shape]))
    sizes = [None] * len(case.shape)
    sizes[-1] = case.shape[-1]
    graph = (
      tf.function(network, autograph=False)
      .get_concrete_function(tf.TensorSpec([None, *sizes]))
      .graph.as_graph_def()
    )
    nodes = [
      *graph.node,
      *(n for f in graph.library.function for n in f.node_def),
    ]
    found |= {node.op for node in nodes}
  assert {"Conv3D", "MaxPool3D"} <= found
  assert found <= graph_check._OPERATIONS


class _Hostile(tf.Module):
  """Does something beside computing when it is called or loaded."""

  def __init__(self, act):
    super().__init__()
    self.weight = tf.Variable(1.0)
    self._act = act

  @tf.function(input_signature=[tf.TensorSpec([], tf.float32)], autograph=False)
  def __call__(self, x):
    return self.weight * self._act(x)


def _write(x):
  tf.io.write_file("owned.txt", "owned")
  return x


def _in_a_branch(x):
  return tf.cond(x > 0, lambda: _write(x), lambda: x)


def _read(x):
  return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), x.dtype)


def _python(x):
  return tf.numpy_function(lambda value: value, [x], x.dtype)


def _print_to_file(x):
  tf.print(x, output_stream="file://owned.txt")
  return x


def _dataset(x):
  lines = tf.data.TextLineDataset("/etc/passwd")
  return lines.reduce(x, lambda total, line: total + 1.0)


def _restore(x):
  return (
    x
    + tf.raw_ops.RestoreV2(
      prefix="model",
      tensor_names=["a"],
      shape_and_slices=[""],
      dtypes=[x.dtype],
    )[0]
  )


@pytest.mark.parametrize(
  ("act", "operation"),
  [
    (_write, "WriteFile"),
    (_in_a_branch, "WriteFile"),
    (_read, "ReadFile"),
    (_python, "PyFunc|EagerPyFunc"),
    (_print_to_file, "PrintV2"),
    (_dataset, ".*Dataset.*"),
    (_restore, "RestoreV2"),
  ],
)
def test_what_does_more_than_compute_is_named(tmp_path, act, operation):
  tf.saved_model.save(_Hostile(act), str(tmp_path))
  with pytest.raises(
    ValueError, match=f"its function '.*' holds '({operation})', .* --trust"
  ):
    graph_check.check(tmp_path)
  assert not pathlib.Path("owned.txt").exists()


def test_table_of_a_file_is_refused(tmp_path):
  vocabulary = tmp_path / "words.txt"
  vocabulary.write_text("a\nb\n")
  module = tf.Module()
  module.table = tf.lookup.StaticHashTable(
    tf.lookup.TextFileInitializer(
      str(vocabulary),
      tf.string,
      tf.lookup.TextFileIndex.WHOLE_LINE,
      tf.int64,
      tf.lookup.TextFileIndex.LINE_NUMBER,
    ),
    -1,
  )
  tf.saved_model.save(module, str(tmp_path / "model"))
  with pytest.raises(ValueError, match="'InitializeTableFromTextFileV2'"):
    graph_check.check(tmp_path / "model")


def _forge(folder, target, change):
  """Copies an export, changed, with digests that fit."""
  shutil.copytree(folder, target)
  path = target / "saved_model.pb"
  saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
  change(saved.meta_graphs[0])
  path.write_bytes(saved.SerializeToString())
  found = description.load_description(folder)
  found.pop("files")
  (target / description.SIGNATURE_NAME).unlink()
  description.write_description(found, target)
  return target


def _saver(graph):
  return next(
    function
    for function in graph.graph_def.library.function
    if "traced_save" in function.signature.name
  )


def _call_saver(graph):
  node = graph.graph_def.node.add(name="evil", op="StatefulPartitionedCall")
  node.attr["f"].func.name = _saver(graph).signature.name


def _list_saver(graph):
  objects = graph.object_graph_def
  objects.concrete_functions[_saver(graph).signature.name].SetInParent()


def _name_saver_by_an_object(graph):
  node = graph.object_graph_def.nodes.add()
  name = _saver(graph).signature.name
  node.bare_concrete_function.concrete_function_name = name


def _name_saver_by_a_function(graph):
  node = graph.object_graph_def.nodes.add()
  node.function.concrete_functions.append(_saver(graph).signature.name)


def _name_saver_by_a_tensor(graph):
  node = graph.object_graph_def.nodes.add()
  node.captured_tensor.concrete_function = _saver(graph).signature.name


def _name_saver_by_an_alias(graph):
  aliases = graph.meta_info_def.function_aliases
  aliases[_saver(graph).signature.name] = "harmless"


def _name_saver_as_a_gradient(graph):
  graph.graph_def.library.gradient.add(
    function_name="any", gradient_func=_saver(graph).signature.name
  )


def _exchange(graph):
  function = graph.graph_def.library.function[0]
  function.attr["api_implements"].s = b"the same"


def _write_while_saving(graph):
  _saver(graph).node_def.add(name="evil", op="WriteFile")


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (_call_saver, "its graph holds '__inference__traced_s"),
    (_list_saver, "its list of functions holds '__inference__traced_s"),
    (_name_saver_by_an_object, "its list of functions holds '__inference__tr"),
    (_name_saver_by_a_function, "its list of functions holds '__inference__t"),
    (_name_saver_by_a_tensor, "its list of functions holds '__inference__tra"),
    (_name_saver_by_an_alias, "its list of functions holds '__inference__tra"),
    (_name_saver_as_a_gradient, "its list of gradients holds '__inference__t"),
    (_exchange, "holds 'api_implements'"),
    (_write_while_saving, "traced_save_.*' holds 'WriteFile'"),
    (
      lambda graph: graph.ClearField("object_graph_def"),
      "is no SavedModel with one graph",
    ),
  ],
)
def test_functions_of_the_saver_are_for_the_saver_alone(
  folder, tmp_path, change, message
):
  forged = _forge(folder, tmp_path / "forged", change)
  with pytest.raises(ValueError, match=message):
    graph_check.check(forged)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xff", b"\x08\x01"])
def test_what_is_no_saved_model(tmp_path, content):
  if content is not None:
    (tmp_path / "saved_model.pb").write_bytes(content)
  with pytest.raises(ValueError, match="is no SavedModel with one graph; expo"):
    graph_check.check(tmp_path)


def test_embed_loads_it_only_when_it_is_trusted(folder, tmp_path):
  def print_somewhere(graph):
    graph.graph_def.node.add(name="evil", op="PrintV2").input.append("^x")

  forged = _forge(folder, tmp_path / "forged", print_somewhere)
  frames = np.zeros([50, 32, 48, 3], np.uint8)
  mp4.encode(frames, 25, tmp_path / "a.mp4")
  command = [
    "tfvssl.embed",
    f"--model={forged}",
    f"--input={tmp_path / 'a.mp4'}",
    f"--output={tmp_path / 'a.npz'}",
  ]
  refused = forked_binaries.run(*command)
  assert refused.returncode == 3, refused.stderr
  (line,) = [
    text for text in refused.stderr.splitlines() if text.startswith("error:")
  ]
  assert "its graph holds 'PrintV2'" in line and "--trust" in line
  assert not os.path.exists(tmp_path / "a.npz")
  trusted = forked_binaries.run(*command, "--trust")
  assert trusted.returncode == 0, trusted.stderr[-3000:]
  assert os.path.exists(tmp_path / "a.npz")
