"""All datasets that data_prep.prepare_records knows."""

from data_prep.datasets import audioset
from data_prep.datasets import esc50
from data_prep.datasets import hmdb51
from data_prep.datasets import howto100m
from data_prep.datasets import kinetics
from data_prep.datasets import msrvtt
from data_prep.datasets import ucf101
from data_prep.datasets import voc2007
from data_prep.datasets import youcook2

BY_NAME = {
  module.DEFINITION.name: module.DEFINITION
  for module in (
    audioset,
    esc50,
    hmdb51,
    howto100m,
    kinetics,
    msrvtt,
    ucf101,
    voc2007,
    youcook2,
  )
}
