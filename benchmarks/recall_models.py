"""What is trained in ``benchmarks.recall``, by us and by peers: models of one width on one size of the task."""

from memspan.layers.block_model import BlockModel
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.hyena import Hyena
from memspan.models.mamba import Mamba
from memspan.models.mlstm import MLSTM
from memspan.models.s4d import S4D
from memspan.models.slstm import SLSTM
from memspan.tasks.recall import Recall

TASK, LENGTH, BATCH = Recall(pairs=4, vocabulary=64), 64, 32
SPECS: tuple[BlockModel, ...] = (
    Attention(), S4D(), Mamba(), GatedLinearAttention(), DeltaNet(), MLSTM(), SLSTM(), Hyena(),
)  # fmt: skip
"""two blocks of width 32 each, as they are by default"""
