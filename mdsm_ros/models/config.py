"""The configurations of MDSM and LAVT, and the base of all models' configurations.

The MDSM paper (arXiv 2307.08597) leaves the encoder variants, the decoder sizes and the noise schedule open;
those values are ours and are marked "paper silent".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from mdsm_ros.errors import ConfigError
from mdsm_ros.foreign import check_fields, shown

BETA_SCHEDULES = ("squaredcos_cap_v2", "linear", "scaled_linear")  # diffusers' names

ModelConfigT = TypeVar("ModelConfigT", bound="ModelConfig")
MAX_IMAGE = 4096  # pixels
MAX_LEVELS = 16
LIMITS: dict[str, tuple[int, int]] = {
    "_num_layers": (1, 128),
    "_layers_per_block": (1, 32),
    "_depths": (1, 128),
    "_num_heads": (1, 256),
    "_hidden_size": (1, 16_384),
    "_feedforward": (1, 65_536),
    "vocab_size": (1, 2_000_000),
    "_channels": (1, 16_384),
    "_embed_dim": (1, 4096),
    "_dim": (1, 16_384),
    "_window_size": (1, 512),
    "_patch_size": (1, 512),
    "_patch": (1, 512),
    "_stride": (1, 512),
    "clip_image_size": (1, 4096),
    "clip_input_size": (1, 4096),
    "num_inference_steps": (0, 100_000),
    "_timesteps": (1, 100_000),
    "max_tokens": (1, 4096),
    "text_maps": (0, 1024),
}
"""The range of a field by the ending of its name."""


@dataclass(frozen=True)
class ModelConfig:
    """The settings of every model that the Segmenter reads.

    Attributes:
        keep_aspect: Whether images keep their aspect ratio; otherwise they are resized to a square.
        training_fields: Fields that only training reads: answers do not depend on them.
        answer_fields: Fields that are read for every answer; neither weights nor exported graphs depend on them.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    keep_aspect: ClassVar[bool] = False
    training_fields: ClassVar[frozenset[str]] = frozenset()
    answer_fields: ClassVar[frozenset[str]] = frozenset({"num_inference_steps", "mask_threshold", "present_threshold"})

    model_type: str = ""
    image_size: int = 512  # longer side in pixels

    num_inference_steps: int = 0  # refinement steps; 0: the model has one stage

    mask_threshold: float = 0.5
    present_threshold: float = 0.5

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # JSON and YAML have only lists
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        self._expect_sizes()
        self._expect("image_size", 0 < self.image_size <= MAX_IMAGE, f"1 to {MAX_IMAGE} pixels")
        known = type(self).model_type
        self._expect("model_type", self.model_type == known, repr(known))
        for name in ("mask_threshold", "present_threshold"):
            self._expect(name, 0.0 <= getattr(self, name) <= 1.0, "0 to 1")

    def _expect_sizes(self) -> None:
        """Checks that no size is 0 or too large: building such a network would take for ever, or all memory."""
        for field in dataclasses.fields(self):
            limits = next((limits for ending, limits in LIMITS.items() if field.name.endswith(ending)), None)
            value = getattr(self, field.name)
            if limits is None or value is None:
                continue
            for number in value if isinstance(value, tuple) else (value,):
                fits = isinstance(number, int) and limits[0] <= number <= limits[1]
                self._expect(field.name, fits, f"whole numbers from {limits[0]} to {limits[1]}")
            if isinstance(value, tuple):
                self._expect(field.name, 0 < len(value) <= MAX_LEVELS, f"1 to {MAX_LEVELS} numbers")

    def expect_no_larger(self, parameters: int) -> None:
        """Checks the sizes before a network is built for a file: it must not have far more parameters than the file.

        Args:
            parameters: Number of values in the file.

        Raises:
            ConfigError: A single size already implies more parameters.
        """
        sizes = vars(self)
        words = sizes.get("vocab_size", 0) * sizes.get("bert_hidden_size", 0)
        layers = 12 * sizes.get("bert_num_layers", 0) * sizes.get("bert_hidden_size", 0) ** 2
        layers += 12 * sizes.get("clip_num_layers", 0) * sizes.get("clip_hidden_size", 0) ** 2 * self._has_clip()
        least = max(words, layers)
        if least > parameters:
            raise ConfigError(f"the sizes need at least {least} parameters, but the weights file has {parameters}")

    def _has_clip(self) -> bool:
        return bool(getattr(self, "use_clip", False)) and getattr(self, "semantic_encoder", "clip") == "clip"

    def _expect(self, name: str, holds: bool, expectation: str) -> None:
        if not holds:
            raise ConfigError(f"{name} is {shown(getattr(self, name))}, expected {expectation}")

    @classmethod
    def from_dict(cls: type[ModelConfigT], values: Mapping[str, Any]) -> ModelConfigT:
        """Builds a configuration from parsed JSON or YAML.

        Raises:
            ConfigError: A key is unknown, or a value is out of range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(f"unknown field {unknown[0]!r}, expected one of {', '.join(sorted(known))}")
        check_fields(cls, dict(values), ConfigError)
        try:
            return cls(**values)
        except ConfigError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ConfigError(f"a field has a value of the wrong type: {error}") from error

    @property
    def idle_fields(self) -> frozenset[str]:
        """Fields that answers do not depend on: those of training, and of parts that the network does not have."""
        return self.training_fields

    def graph_fields(self) -> dict[str, Any]:
        """The fields that become part of exported graphs, as JSON-compatible values."""
        left_out = self.idle_fields | self.answer_fields
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.to_dict().items()
            if name not in left_out
        }

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-compatible values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class PublicConfig(ModelConfig):
    """The base of the configurations of models with publicly available weights.

    Present thresholds are those of transformers' own post-processing.

    Attributes:
        weights: Fields that name the weights (a hub id or a folder in transformers' layout), and for each the field of
            its revision (a branch, tag or commit; None for the main branch).
        tunable: Whether the model is a :class:`~mdsm_ros.models.interface.TunableModel`.

    Raises:
        ConfigError: A field is out of range.
    """

    weights: ClassVar[Mapping[str, str]] = {"checkpoint": "revision"}
    tunable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, the model has one stage")

    @property
    def sources(self) -> dict[str, tuple[str, str | None]]:
        """The hub id or folder, and the revision, of each field in ``weights``."""
        return {name: (getattr(self, name), getattr(self, revision)) for name, revision in self.weights.items()}


@dataclass(frozen=True)
class FusionConfig(ModelConfig):
    """The common part of LAVT and MDSM: Swin, BERT, the fusion between them and the mask head.

    The ``*_checkpoint`` fields name the public weights from which the encoders start in training (``None``: from
    scratch). The dimensions beside them must match that checkpoint.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    training_fields: ClassVar[frozenset[str]] = frozenset(
        {"swin_checkpoint", "bert_checkpoint", "drop_path_rate", "bert_dropout"}
    )
    answer_fields: ClassVar[frozenset[str]] = ModelConfig.answer_fields | {"least_known_words"}

    image_size: int = 480  # LAVT, refer/transforms.py
    max_tokens: int = 64

    # Swin: four stages at strides 4, 8, 16 and 32
    swin_checkpoint: str | None = "swin_base_patch4_window12_384.ms_in22k"
    swin_embed_dim: int = 128
    swin_depths: tuple[int, ...] = (2, 2, 18, 2)
    swin_num_heads: tuple[int, ...] = (4, 8, 16, 32)
    swin_window_size: int = 12
    drop_path_rate: float = 0.3

    # BERT
    bert_checkpoint: str | None = "google-bert/bert-base-uncased"
    vocab_size: int = 30522
    bert_hidden_size: int = 768
    bert_num_layers: int = 12
    bert_num_heads: int = 12
    bert_dropout: float = 0.1

    # lowest fraction of an instruction's words, but for one, that are whole tokens, for it to count as English; 0:
    # every instruction counts as English
    least_known_words: float = 0.0

    # mask head (LAVT, section 3.4)
    decoder_channels: int = 512
    decoder_norm: str = "batch"  # "group" for small batches
    decoder_block: str = "full"  # convolutions of the mask head: "full", or "bottleneck" at a fraction of the cost
    decoder_last_channels: int | None = None  # channels of its last and costliest block; None: decoder_channels

    finest_level: int = 0  # first of the four stages with language, from which masks are decoded: at stride 4 << level

    # adds the position of each pixel to the features of every stage: "on the left" needs it (in neither paper)
    coordinates: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("swin_depths", len(self.swin_depths) == 4, "four stages")
        self._expect("swin_num_heads", len(self.swin_num_heads) == 4, "four stages")
        for i, heads in enumerate(self.swin_num_heads):
            self._expect("swin_num_heads", (self.swin_embed_dim << i) % heads == 0, f"divisors of stage widths ({i})")
        self._expect("image_size", self.image_size % 32 == 0, "a positive multiple of 32")
        self._expect("max_tokens", 4 <= self.max_tokens <= 512, "4 to 512")
        self._expect_heads("bert")
        self._expect("decoder_norm", self.decoder_norm in ("batch", "group"), "'batch' or 'group'")
        self._expect("finest_level", self.finest_level in (0, 1, 2), "0, 1 or 2")
        groups = 8 if self.decoder_norm == "group" else 1
        fits = self.decoded_channels % groups == 0
        self._expect("decoder_last_channels", fits, f"a multiple of the {groups} groups of its norms")
        self._expect("decoder_block", self.decoder_block in ("full", "bottleneck"), "'full' or 'bottleneck'")
        for name in ("bert_dropout", "least_known_words"):
            self._expect(name, 0.0 <= getattr(self, name) <= 1.0, "0 to 1")

    def _expect_heads(self, encoder: str) -> None:
        heads = getattr(self, f"{encoder}_num_heads")
        name = f"{encoder}_hidden_size"
        self._expect(name, getattr(self, name) % heads == 0, f"a multiple of its {heads} heads")

    @property
    def decoded_channels(self) -> int:
        """Channels of the mask head's last features."""
        return self.decoder_channels if self.decoder_last_channels is None else self.decoder_last_channels

    @property
    def fused_dims(self) -> tuple[int, ...]:
        """Channels of the stages with language, the finest first."""
        return self.swin_dims[self.finest_level :]

    @property
    def swin_dims(self) -> tuple[int, int, int, int]:
        """Channels of the four Swin stages."""
        c = self.swin_embed_dim
        return c, 2 * c, 4 * c, 8 * c


@dataclass(frozen=True)
class LAVTConfig(FusionConfig):
    """LAVT (arXiv 2112.02244), by default at the sizes of its public recipe.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    model_type: str = "lavt"
    max_tokens: int = 20  # LAVT's limit, which cuts 44 % of REVERIE's instructions

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, LAVT has one stage")


@dataclass(frozen=True)
class MDSMConfig(FusionConfig):
    """Everything needed to build an MDSM, including its encoders, without any download.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    training_fields: ClassVar[frozenset[str]] = FusionConfig.training_fields | {
        "clip_checkpoint",
        "freeze_clip",
        "efficientnet_checkpoint",
        "freeze_efficientnet",
        "efficientnet_frozen_stages",
    }
    answer_fields: ClassVar[frozenset[str]] = FusionConfig.answer_fields | {"start_timestep", "sampler", "refiner_zoom"}

    model_type: str = "mdsm"
    max_tokens: int = 64  # paper silent

    # the two parallel visual branches; one can be left out for comparison
    use_swin: bool = True
    use_clip: bool = True

    # input of Swin's stages: the "image", or at the finest level the "semantic" branch's map
    swin_input: str = "image"

    # the semantic branch: "clip", or "efficientnet_lite0" with a separate map for each stage
    semantic_encoder: str = "clip"
    efficientnet_checkpoint: str | None = None  # .pth file or package:NAME
    freeze_efficientnet: bool = True
    efficientnet_frozen_stages: int = 0  # number of first stages that stay frozen in fine-tuning
    text_maps: int = 0  # number of maps of agreement with the words, beside the semantic branch's

    # CLIP's vision tower (variant: paper silent)
    clip_checkpoint: str | None = "openai/clip-vit-base-patch16"
    clip_image_size: int = 224
    clip_input_size: int | None = None  # side of the image as CLIP sees it in pixels; None: image_size
    clip_patch_size: int = 16
    clip_hidden_size: int = 768
    clip_num_layers: int = 12
    clip_num_heads: int = 12
    freeze_clip: bool = True

    # refiner (paper silent)
    refiner_stride: int = 4  # grid of the diffused mask: image_size / refiner_stride
    refiner_condition_channels: int = 64
    refiner_channels: tuple[int, ...] = (64, 128, 256)
    refiner_layers_per_block: int = 2
    refiner_num_heads: int = 8
    refiner_fine: bool = False  # the refiner also sees EfficientNet's map at stride 4, which does not meet the language
    refiner_residual: bool = False  # the refiner adds to the initial mask's logits instead of predicting new ones
    # stage 1 looks again at the part of the image around the initial mask, enlarged, and the refiner works on it; its
    # side, as a multiple of the longer side of the mask's bounding box; None: the refiner works on the whole image
    refiner_zoom: float | None = None
    refiner_attention_levels: int = 2  # number of coarsest levels with attention to the words and among pixels

    # diffusion (paper silent)
    num_train_timesteps: int = 1000
    beta_schedule: str = "squaredcos_cap_v2"
    start_timestep: int = 600  # noise level added to the initial mask before refinement
    prediction: str = "sample"  # what the refiner predicts: the clean mask ("sample"), or the noise in it ("epsilon")
    sampler: str = "ddim"  # "ddim", or "ddpm", which adds new noise after every step
    num_inference_steps: int = 4

    @property
    def idle_fields(self) -> frozenset[str]:
        """Those of training, and of CLIP in a network without it."""
        of_clip = {field.name for field in dataclasses.fields(self) if field.name.startswith("clip_")}
        return self.training_fields if self._has_clip() else self.training_fields | of_clip

    @property
    def semantic_is_frozen(self) -> bool:
        """Whether the semantic branch is frozen."""
        return self.freeze_clip if self.semantic_encoder == "clip" else self.freeze_efficientnet

    def __post_init__(self) -> None:
        super().__post_init__()
        encoders = ("clip", "efficientnet_lite0")
        self._expect("semantic_encoder", self.semantic_encoder in encoders, " or ".join(map(repr, encoders)))
        self._expect("use_swin", self.use_swin or self.use_clip, "True if use_clip is False")
        self._expect("swin_input", self.swin_input in ("image", "semantic"), "'image' or 'semantic'")
        self._expect("swin_input", self.swin_input == "image" or self.use_clip, "'image' if use_clip is False")
        self._expect("text_maps", self.text_maps >= 0, "0 or more")
        self._expect("refiner_fine", not self.refiner_fine or self.finest_level > 0, "False with finest_level 0")
        self._expect("efficientnet_frozen_stages", 0 <= self.efficientnet_frozen_stages <= 7, "0 to 7")
        pyramid = self.use_clip and self.semantic_encoder == "efficientnet_lite0"
        self._expect("text_maps", not self.text_maps or pyramid, "0 without an EfficientNet")
        self._expect("refiner_fine", not self.refiner_fine or pyramid, "False without an EfficientNet")
        self._expect_heads("clip")
        self._expect("clip_image_size", self.clip_image_size % self.clip_patch_size == 0, "a multiple of the patch")
        self._expect("image_size", self.image_size % self.clip_patch_size == 0, "a multiple of clip_patch_size")
        seen = self.clip_input_size
        self._expect("clip_input_size", seen is None or self.semantic_encoder == "clip", "None without CLIP")
        self._expect("clip_input_size", (seen or 0) % self.clip_patch_size == 0, "a multiple of clip_patch_size")
        halvings = 2 ** (len(self.refiner_channels) - 1)
        self._expect("refiner_stride", self.refiner_stride in (1, 2, 4, 8), "1, 2, 4 or 8")
        self._expect(
            "refiner_channels",
            (self.image_size // self.refiner_stride) % halvings == 0,
            f"few enough levels to halve a grid of {self.image_size // self.refiner_stride} pixels",
        )
        self._expect(
            "refiner_attention_levels",
            1 <= self.refiner_attention_levels <= len(self.refiner_channels),
            f"1 to the {len(self.refiner_channels)} levels of refiner_channels",
        )
        zoom = self.refiner_zoom
        self._expect("refiner_zoom", zoom is None or 1.0 <= zoom <= 100.0, "None, or 1 to 100")
        self._expect("beta_schedule", self.beta_schedule in BETA_SCHEDULES, f"one of {', '.join(BETA_SCHEDULES)}")
        self._expect("prediction", self.prediction in ("sample", "epsilon"), "'sample' or 'epsilon'")
        residual = self.prediction == "epsilon" and self.refiner_residual
        self._expect("prediction", not residual, "'sample' with refiner_residual")
        self._expect("sampler", self.sampler in ("ddim", "ddpm"), "'ddim' or 'ddpm'")
        self._expect("start_timestep", 0 < self.start_timestep < self.num_train_timesteps, "inside num_train_timesteps")
        self._expect("num_inference_steps", 0 <= self.num_inference_steps <= self.start_timestep, "0 to start_timestep")
