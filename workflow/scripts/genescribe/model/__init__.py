"""The model: encoders, pointing decoder, dense heads, grammar masks and generation.

Importing it makes the model known to `transformers.AutoConfig` and `transformers.AutoModel`.
"""

from transformers import AutoConfig, AutoModel

from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

__all__ = ["GeneScribeConfig", "GeneScribeModel"]

AutoConfig.register(GeneScribeConfig.model_type, GeneScribeConfig, exist_ok=True)
AutoModel.register(GeneScribeConfig, GeneScribeModel, exist_ok=True)
