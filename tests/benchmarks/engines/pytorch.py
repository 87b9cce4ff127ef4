"""PyTorch, eager, in its fastest layout for a processor (channels last); without augmentation."""

import contextlib

import numpy as np
import torch
from torch import nn

from engines import CLASSES, Size, labels_of, rate

LIBRARIES = ("torch",)


class Bottleneck(nn.Module):
    """A block of ResNet50 (He et al., CVPR 2016), with the stride in its first convolution."""

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(before, width, 1, stride),
            nn.ReLU(),
            *_convolution(width, width, 3),
            nn.ReLU(),
            *_convolution(width, 4 * width, 1),
        )
        same = before == 4 * width and stride == 1
        self.beside = nn.Identity() if same else nn.Sequential(
            *_convolution(before, 4 * width, 1, stride)
        )  # fmt: skip

    def forward(self, maps):
        """Maps through the block."""
        return torch.relu(self.body(maps) + self.beside(maps))


def _convolution(before: int, width: int, side: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, width, side, stride, side // 2), nn.BatchNorm2d(width)]


def _resnet50() -> nn.Sequential:
    blocks, before = [], 64
    for width, repeats, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(repeats):
            blocks.append(Bottleneck(before, width, stride if number == 0 else 1))
            before = 4 * width
    start = [*_convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*start, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _base_net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 50), nn.ReLU(), nn.Linear(50, CLASSES),
    )  # fmt: skip


def _improved_net() -> nn.Sequential:
    blocks, before = [], 3
    for width in (32, 64):
        blocks += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
        blocks += [nn.Conv2d(width, width, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
        before = width
    head = [nn.Linear(2304, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, CLASSES)]
    return nn.Sequential(*blocks, nn.Flatten(), *head)


def extraction(computed_in: str, threads: int, size: Size) -> float:
    """Features of ResNet50."""
    torch.set_num_threads(threads)
    network = _resnet50().eval().to(memory_format=torch.channels_last)
    images = _tensor(size.large_images())

    def work() -> None:
        with torch.inference_mode(), _computing_in(computed_in):
            for batch in images.split(size.batch):
                network(batch)

    return rate(work, len(images))


def fine_tuning(computed_in: str, threads: int, size: Size) -> float:
    """Training of ResNet50 under a new head, its batch norms frozen."""
    network = nn.Sequential(_resnet50(), nn.Linear(2048, CLASSES))
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.requires_grad_(False)
    return _training(network, size.large_images(), computed_in, threads, size.batch)


def base_net(computed_in: str, threads: int, size: Size) -> float:
    """Training of BaseNet on plain images."""
    return _training(_base_net(), size.small_images(), computed_in, threads, size.batch)


def improved_net(computed_in: str, threads: int, size: Size) -> float:
    """Training of ImprovedNet on plain images."""
    return _training(_improved_net(), size.small_images(), computed_in, threads, size.batch)


def _training(
    network: nn.Module, images: np.ndarray, computed_in: str, threads: int, batch: int
) -> float:
    torch.set_num_threads(threads)
    network = network.to(memory_format=torch.channels_last).train()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eval()
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    rule = torch.optim.SGD(weights, 0.01, momentum=0.9, nesterov=True)
    pixels, labels = _tensor(images), torch.from_numpy(labels_of(images)).long()

    def work() -> None:
        for rows in torch.randperm(len(pixels)).split(batch):
            rule.zero_grad()
            with _computing_in(computed_in):
                loss = nn.functional.cross_entropy(network(pixels[rows]), labels[rows])
            loss.backward()
            rule.step()

    return rate(work, len(images))


def _tensor(images: np.ndarray) -> torch.Tensor:
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return pixels.contiguous(memory_format=torch.channels_last)


def _computing_in(precision: str) -> contextlib.AbstractContextManager:
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cpu", dtype=torch.bfloat16)
