"""The same network trained by eager PyTorch, to be measured beside ours; runs under --peer_python.

Images stay resident as float32 [n, 1, 28, 28] tensors and each step gathers its batch by index (faster here than uint8
converted in the step); torch.optim.Adam(fused=True); PyTorch's default number of threads. As in ours, sigmoid
follows the pooling, which costs a quarter and gives the same. --channels_last keeps weights and images in the memory
layout NHWC, which is not PyTorch's default; --compile puts the network through torch.compile, which needs g++.
"""

import sys
from typing import Any, Callable, List

import torch

from bench import peer_loop


class LeNet(torch.nn.Module):
    """float32 [B, 1, 28, 28] -> [B, 10]; 107,786 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_1 = torch.nn.Conv2d(1, 6, 5, padding=2)
        self.layer_2 = torch.nn.Conv2d(6, 16, 5, padding=2)
        self.fc_1 = torch.nn.Linear(784, 120)
        self.fc_2 = torch.nn.Linear(120, 84)
        self.fc_3 = torch.nn.Linear(84, 10)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.xavier_uniform_(parameter)  # Glorot, as the reference

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = torch.sigmoid(torch.nn.functional.max_pool2d(self.layer_1(images), 2))
        hidden = torch.sigmoid(torch.nn.functional.max_pool2d(self.layer_2(hidden), 2))
        hidden = torch.sigmoid(self.fc_1(hidden.flatten(1)))
        return self.fc_3(torch.sigmoid(self.fc_2(hidden)))


def training_step(options: Any) -> Callable[[], List[torch.Tensor]]:
    """A function that runs one step and returns its loss."""
    torch.manual_seed(options.seed)
    raw_images, raw_labels = peer_loop.load(options.data)
    images = torch.from_numpy(raw_images).reshape(-1, 1, 28, 28).float() / 255
    labels = torch.from_numpy(raw_labels).long()
    order = peer_loop.batches(len(labels), options.batch_size, options.seed)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network = LeNet().to(memory_format=layout)
    answer = torch.compile(network) if options.compile else network
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)

    def step() -> List[torch.Tensor]:
        numbers = torch.from_numpy(next(order))
        optimizer.zero_grad()
        batch = images[numbers].contiguous(memory_format=layout)
        loss = torch.nn.functional.cross_entropy(answer(batch), labels[numbers])
        loss.backward()
        optimizer.step()
        return [loss.detach()]

    return step


def main(arguments: List[str]) -> None:
    options = peer_loop.parse(arguments)
    timing = peer_loop.time_steps(training_step(options), options.steps, options.warmup, options.batch_size)
    peer_loop.report(timing, 'PyTorch ' + torch.__version__, '%s, fused Adam, %d threads%s' %
                     ('compiled' if options.compile else 'eager', torch.get_num_threads(),
                      ', channels_last' * options.channels_last))


if __name__ == '__main__':
    main(sys.argv[1:])
