"""Our own networks against those of the libraries that they stand in for: the same numbers, bit for bit."""

from __future__ import annotations

import pytest
import timm
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from timm.models.swin_transformer import SwinTransformer
from torch import nn
from transformers import BertConfig, BertModel

from mdsm_ros.models.config import BETA_SCHEDULES
from mdsm_ros.models.layers.bert import Bert
from mdsm_ros.models.layers.ddim import DDIM
from mdsm_ros.models.layers.efficientnet import EfficientNetLite0
from mdsm_ros.models.layers.recompute import Recomputing
from mdsm_ros.models.layers.swin import Swin
from mdsm_ros.models.layers.unet import UNet

pytestmark = pytest.mark.slow


def stir(module: nn.Module) -> nn.Module:
    """Parameters and statistics that no layer starts with, so that one that is left out is noticed."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point() and "attn_mask" not in name:
                value.copy_(torch.randn(value.shape, generator=generator) * 0.3)
                if name.endswith("running_var"):
                    value.abs_().add_(0.5)
    return module.eval()


@pytest.mark.parametrize("lengths", [(9, 9), (9, 4), (3,)])
def test_bert(lengths: tuple[int, ...]) -> None:
    theirs = BertModel(
        BertConfig(vocab_size=50, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=192),
        add_pooling_layer=False,
    )
    stir(theirs)
    ours = Bert(50, 48, 3, 4, 0.1).eval()
    ours.load_state_dict(theirs.state_dict())
    ids = torch.randint(1, 50, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    with torch.inference_mode():
        expected = theirs(input_ids=ids * mask, attention_mask=mask).last_hidden_state
        assert torch.equal(ours(ids * mask, mask), expected)
    assert expected.std() > 0.1


@pytest.mark.parametrize("size", [64, 128])
def test_swin_where_nothing_is_padded(size: int) -> None:
    options = {"embed_dim": 16, "depths": (2, 2, 4, 2), "num_heads": (1, 2, 4, 8), "window_size": 4}
    theirs = SwinTransformer(img_size=size, num_classes=0, **options)
    theirs.norm = nn.Identity()
    stir(theirs)
    ours = Swin(size, 16, (2, 2, 4, 2), (1, 2, 4, 8), 4, 0.1).eval()
    ours.load_state_dict(theirs.state_dict())
    x = y = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        x, y = ours.patch_embed(x), theirs.patch_embed(y)
        assert torch.equal(x, y)
        for own, other in zip(ours.layers, theirs.layers, strict=True):
            x, y = own(x), other(y)
            assert torch.equal(x, y)


def test_swin_begins_where_it_is_told_and_leaves_branches_out_in_training_only() -> None:
    swin = Swin(64, 16, (1, 1, 2, 2), (1, 2, 4, 8), 4, 0.5, first=2)
    assert {name.split(".")[1] for name, _ in swin.named_parameters()} == {"2", "3"}
    x = torch.randn(8, 8, 8, 32)
    torch.manual_seed(0)
    first, second = swin.train().layers[2](x), swin.layers[2](x)
    assert not torch.equal(first, second)
    assert torch.equal(swin.eval().layers[2](x), swin.layers[2](x))


@pytest.mark.parametrize("size", [(64, 64), (97, 50)])
def test_efficientnet(size: tuple[int, int]) -> None:
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True)
    stir(theirs)
    ours = EfficientNetLite0().eval()
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.dims) == theirs.feature_info.channels()
    pixels = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    for memory in (torch.contiguous_format, torch.channels_last):
        with torch.inference_mode():
            seen = pixels.to(memory_format=memory)
            pairs = list(zip(ours(seen), theirs(seen), strict=True))
        assert len(pairs) == 5
        assert all(torch.equal(own, other) for own, other in pairs)


@pytest.mark.parametrize(("layers", "attentive"), [(1, 1), (2, 2), (1, 3)])
def test_unet(layers: int, attentive: int) -> None:
    plain = 3 - attentive
    theirs = UNet2DConditionModel(
        in_channels=7,
        out_channels=1,
        block_out_channels=(16, 32, 64),
        layers_per_block=layers,
        down_block_types=("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * attentive,
        up_block_types=("CrossAttnUpBlock2D",) * attentive + ("UpBlock2D",) * plain,
        cross_attention_dim=24,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    stir(theirs)
    ours = UNet(7, 1, (16, 32, 64), layers, attentive, 24, 4).eval()
    ours.load_state_dict(theirs.state_dict())
    generator = torch.Generator().manual_seed(0)
    x, words = torch.randn(2, 7, 16, 16, generator=generator), torch.randn(2, 5, 24, generator=generator)
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    timesteps = torch.tensor([601, 3])
    with torch.inference_mode():
        expected = theirs(x, timesteps, encoder_hidden_states=words, encoder_attention_mask=mask).sample
        assert torch.equal(ours(x, timesteps, ours.share(words, mask)), expected)
        constant = ours.share(words, mask, x[:, 1:])  # the same for all steps, for all channels but the first
        torch.testing.assert_close(ours(x[:, :1], timesteps, constant), expected)
        twice = ours(x[:, :1].repeat_interleave(2, 0), timesteps.repeat_interleave(2), constant.repeated(2))
        torch.testing.assert_close(twice[::2], expected)
        torch.testing.assert_close(twice[1::2], expected)
    assert expected.std() > 0.01


@pytest.mark.parametrize("kind", ["unet", "swin"])
def test_recomputing_gives_the_same_gradients(kind: str) -> None:
    module = UNet(4, 1, (8, 16), 1, 1, 24, 4) if kind == "unet" else Swin(64, 8, (2, 2), (1, 2), 4, 0.0)
    stir(module).train()
    gradients = []
    for recompute in (False, True):
        for part in module.modules():
            if isinstance(part, Recomputing):
                part.recompute = recompute
        module.zero_grad()
        generator = torch.Generator().manual_seed(0)
        if isinstance(module, UNet):
            x, words = torch.randn(2, 4, 8, 8, generator=generator), torch.randn(2, 5, 24, generator=generator)
            shared = module.share(words, torch.ones(2, 5, dtype=torch.bool))
            answer = module(x, torch.tensor([5, 9]), shared)
        else:
            assert isinstance(module, Swin)
            x = module.patch_embed(torch.randn(2, 3, 64, 64, generator=generator))
            answer = module.layers[1](module.layers[0](x))
        answer.square().sum().backward()
        gradients.append([p.grad.clone() for p in module.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 20
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
def test_ddim(schedule: str) -> None:
    theirs = DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule=schedule,
        prediction_type="sample",
        clip_sample=True,
        set_alpha_to_one=True,
        timestep_spacing="trailing",
    )
    ours = DDIM(1000, schedule)
    assert torch.equal(ours.alphas_cumprod, theirs.alphas_cumprod)
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn(2, 1, 8, 8, generator=generator) for _ in range(2))
    timesteps = torch.tensor([3, 700])
    noisy = ours.add_noise(clean, noise, timesteps)
    assert torch.equal(noisy, theirs.add_noise(clean, noise, timesteps))
    for steps in (1, 3, 4, 7, 50, 333, 1000):
        ours.set_timesteps(steps)
        theirs.set_timesteps(steps)
        assert torch.equal(ours.timesteps, theirs.timesteps)
        for timestep in (int(ours.timesteps[0]), int(ours.timesteps[-1])):
            expected = theirs.step(2 * clean, timestep, noisy).prev_sample
            assert torch.equal(ours.step(2 * clean, timestep, noisy), expected)
