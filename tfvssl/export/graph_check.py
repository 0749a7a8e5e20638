"""Whether the graph of an export only computes; looked at before it is loaded.

A SavedModel is a program. One that holds only the operations listed here reads
and writes no file but its own weights and runs no code but TensorFlow's.
"""

from collections.abc import Iterator

from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2

from tfvssl.runtime import storage

_FILE_NAME = "saved_model.pb"
# Most bytes of a graph; that of an export of two large networks has 5 MB.
_MAX_BYTES = 1 << 28
# What networks, spectrograms, the splitting of sentences and the decoding of
# pictures are made of. A table is filled from constants, never from a file;
# pictures are decoded from the bytes of a request.
_OPERATIONS = frozenset(
  """
  Abs Add AddN AddV2 All Any ArgMax ArgMin AsString Assert AssignVariableOp
  AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND
  BiasAdd Bincount BroadcastArgs BroadcastTo Cast Ceil ClipByValue ComplexAbs
  Concat ConcatV2 Const Conv2D Conv3D Cos Cumprod Cumsum DecodeJpeg
  DenseBincount DepthToSpace DepthwiseConv2dNative Einsum Elu EnsureShape Equal
  Erf Exp ExpandDims Expm1 ExtractJpegShape Fill Floor FloorDiv FloorMod
  FusedBatchNorm FusedBatchNormV3 GatherNd GatherV2 Greater GreaterEqual
  HashTableV2 Identity IdentityN If IsFinite IsInf IsNan L2Loss LeakyRelu Less
  LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr
  LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2 MatMul MatrixBandPart
  Max MaxPool MaxPool3D MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mul Neg
  NoOp NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall Placeholder Pow
  PreventGradient Prod RFFT RaggedRange RaggedTensorToTensor Range Rank
  ReadVariableOp RealDiv Reciprocal ReduceJoin Relu Relu6 Reshape ResizeBilinear
  ResizeNearestNeighbor ResourceGather ReverseV2 Roll Round Rsqrt
  ScaleAndTranslate Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Size
  Slice Softmax Softplus SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square
  SquaredDifference Squeeze StatefulPartitionedCall StatelessIf StatelessWhile
  StaticRegexFullMatch StaticRegexReplace StopGradient StridedSlice StringFormat
  StringJoin StringLower StringSplitV2 Sub Sum Tanh TensorListFromTensor
  TensorListGetItem TensorListReserve TensorListSetItem TensorListStack Tile
  TopKV2 Transpose Unpack UnsortedSegmentSum VarHandleOp VarIsInitializedOp
  Where While ZerosLike
  """.split()
)
# Beside those only in the functions that save and restore call, which loading
# does not run where there are objects.
_SAVER_OPERATIONS = frozenset(
  ["DisableCopyOnRead", "MergeV2Checkpoints", "RestoreV2", "SaveV2"]
  + ["ShardedFilename"]
)


def check(folder: storage.PathLike) -> None:
  """Reads the graph of an export; loads and runs nothing.

  Args:
    folder: of tfvssl.export.

  Raises:
    ValueError: the graph cannot be read, or it holds an operation that is not
      known to compute only; the first one is named.
  """
  for place, operation in _refused(_read(storage.Path(folder) / _FILE_NAME)):
    raise ValueError(
      f"{folder}: {place} holds {operation!r}, which is not among the"
      " operations that are known to compute only; it may reach files or run"
      " code. Load it with --trust if you trust whoever made it."
    )


def _read(path):
  """Returns the only graph with its functions, saver and objects."""
  size = storage.size(path) if path.is_file() else 0
  saved = saved_model_pb2.SavedModel()
  try:
    if not 0 < size <= _MAX_BYTES:
      raise message.DecodeError
    saved.ParseFromString(path.read_bytes())
    (graph,) = saved.meta_graphs
    if not graph.HasField("object_graph_def"):
      raise message.DecodeError  # loading one of TensorFlow 1 runs its saver
  except (message.DecodeError, ValueError):
    raise ValueError(
      f"{path} ({size} bytes) is no SavedModel with one graph; export again."
    ) from None
  return graph


def _refused(meta_graph) -> Iterator[tuple[str, str]]:
  """Yields (place in words, operation or function) of what is refused."""
  graph, saver = meta_graph.graph_def, meta_graph.saver_def
  ends = {saver.save_tensor_name.split(":")[0], saver.restore_op_name}
  saving = [node for node in graph.node if node.name in ends]
  others = [node for node in graph.node if node.name not in ends]
  savers = _called_by(saving, graph.library)
  # The objects that are loaded must not reach what is only for the saver.
  for name in savers & _loaded_functions(meta_graph):
    yield "its list of functions", name
  for gradient in graph.library.gradient:
    if gradient.gradient_func in savers:
      yield "its list of gradients", gradient.gradient_func
  yield from _refused_nodes("its graph", saving, _OPERATIONS, frozenset())
  yield from _refused_nodes("its graph", others, _OPERATIONS, savers)
  for function in graph.library.function:
    name, nodes = function.signature.name, function.node_def
    place = f"its function {name!r}"
    if "api_implements" in function.attr:  # may be exchanged when it runs
      yield place, "api_implements"
    if name in savers:
      known = _OPERATIONS | _SAVER_OPERATIONS
      yield from _refused_nodes(place, nodes, known, frozenset())
    else:
      yield from _refused_nodes(place, nodes, _OPERATIONS, savers)


def _loaded_functions(meta_graph) -> set[str]:
  """Returns the functions that loaded objects may call, however named."""
  objects = meta_graph.object_graph_def
  names = {
    *objects.concrete_functions,
    *meta_graph.meta_info_def.function_aliases,
  }
  for node in objects.nodes:
    names.update(node.function.concrete_functions)
    names.add(node.bare_concrete_function.concrete_function_name)
    names.add(node.captured_tensor.concrete_function)
  return names


def _refused_nodes(place, nodes, known, forbidden):
  """Yields nodes of unknown operations and calls of forbidden functions."""
  for node in nodes:
    if node.op not in known:
      yield place, node.op
    for name in _functions_of(node) & forbidden:
      yield place, name


def _functions_of(node) -> set[str]:
  """Returns the names of the functions that a node refers to."""
  return {
    function.name
    for value in node.attr.values()
    for function in (value.func, *value.list.func)
    if function.name
  }


def _called_by(nodes, library) -> frozenset[str]:
  """Returns the functions that nodes call, and those that these call."""
  bodies = {f.signature.name: f.node_def for f in library.function}
  found: set[str] = set()
  while nodes:
    called = set().union(*map(_functions_of, nodes)) - found
    found |= called
    nodes = [node for name in called for node in bodies.get(name, ())]
  return frozenset(found)
