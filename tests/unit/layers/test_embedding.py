"""The way in: numbers and class numbers."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import one_hot

from memspan.engine.seeds import stream
from memspan.interfaces.network import stack
from memspan.layers.embedding import Embedding


def drawn(embedding: Embedding, members: int = 3) -> dict[str, torch.Tensor]:
    """Weights (M, ...) in float64."""
    return stack(
        [
            {name: weight.start(weight.shape, stream(name, m)).double() for name, weight in embedding.weights().items()}
            for m in range(members)
        ]
    )


def test_a_class_number_is_a_one_at_its_place() -> None:
    """Values and gradients equal those of the product with one-hot vectors, each member with its own kernel."""
    embedding = Embedding(7, 4, 0.1, classes=True)
    tokens = torch.randint(0, 7, (3, 5, 6), generator=stream("tokens"))  # (M, B, T)
    kernel = drawn(embedding)["embedding.kernel"].requires_grad_()
    found = embedding({"embedding.kernel": kernel}, tokens.unsqueeze(-1).double())
    wanted = torch.einsum("mbtv,mvd->mbtd", one_hot(tokens, 7).double(), kernel)
    assert torch.equal(found, wanted)
    sides = torch.randn(found.shape, generator=stream("sides"), dtype=torch.float64)
    slopes, expected = (torch.autograd.grad((each * sides).sum(), kernel)[0] for each in (found, wanted))
    assert torch.allclose(slopes, expected, rtol=1e-12, atol=1e-12)


def test_numbers_go_through_a_linear_map() -> None:
    embedding = Embedding(2, 4, 0.1)
    weights, x = drawn(embedding), torch.randn(3, 5, 6, 2, generator=stream("x"), dtype=torch.float64)
    wanted = torch.einsum("mbtc,mcd->mbtd", x, weights["embedding.kernel"]) + weights["embedding.bias"][:, None, None]
    assert torch.allclose(embedding(weights, x), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("deviation", [0.02, 1.0])
def test_it_starts_with_the_deviation_that_is_asked_for(deviation: float) -> None:
    """n = 25 600: within 3 % (p < 1e-9)."""
    kernel = drawn(Embedding(100, 256, deviation, classes=True), 1)["embedding.kernel"]
    assert float(kernel.std()) == pytest.approx(deviation, rel=0.03)


def test_class_numbers_have_no_bias_and_count_no_products() -> None:
    assert list(Embedding(7, 4, 0.1, classes=True).weights()) == ["embedding.kernel"]
    assert Embedding(7, 4, 0.1, classes=True).multiplications == 0
    assert Embedding(7, 4, 0.1).multiplications == 28
