"""Starting a model's encoders from public checkpoints, by hub name or local folder."""

from __future__ import annotations

import timm
from transformers import BertModel, CLIPVisionModel

from mdsm_ros.hub import WeightsError
from mdsm_ros.models.mdsm import MDSM


def load_encoders(model: MDSM) -> None:
    """Fills Swin, CLIP and BERT with the checkpoints that the model's configuration names; the others stay as they are.

    Swin takes timm names, or ``local-dir:FOLDER``; CLIP and BERT take hub ids or folders.

    Raises:
        WeightsError: a checkpoint cannot be found, or its dimensions are not those of the configuration.
    """
    config = model.config
    name: str | None = None
    try:
        if (name := config.swin_checkpoint) is not None:
            swin = timm.create_model(
                name, pretrained=True, img_size=config.image_size, window_size=config.swin_window_size, num_classes=0
            )
            state = {key: value for key, value in swin.state_dict().items() if not key.startswith("norm.")}
            model.intermediate.swin.swin.load_state_dict(state)
        if model.intermediate.clip is not None and (name := config.clip_checkpoint) is not None:
            clip = CLIPVisionModel.from_pretrained(name)
            model.intermediate.clip.clip.load_state_dict(clip.state_dict())
        if (name := config.bert_checkpoint) is not None:
            bert = BertModel.from_pretrained(name, add_pooling_layer=False)
            model.language.bert.load_state_dict(bert.state_dict())
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"encoder checkpoint {name!r} cannot be loaded: {error}") from error
