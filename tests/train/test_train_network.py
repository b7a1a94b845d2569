"""The definition in model.py, and the compiled passes against it."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

from tritstream.train import model  # noqa: E402
from tritstream.train.fused import Fused  # noqa: E402
from tritstream.train.shape import Shape  # noqa: E402
from tritstream.train.step import Stepper  # noqa: E402


def random_network(shape: Shape, seed: int):
    g = torch.Generator().manual_seed(seed)
    parameters = model.initial_parameters(shape, g)
    with torch.no_grad():
        for name, tensor in parameters.items():
            if tensor.dim() == 1:
                tensor += 0.3 * torch.randn(tensor.shape, generator=g)
            elif name == "model.lower_bounds":
                tensor += 0.5 * torch.randn(tensor.shape, generator=g)
            else:
                tensor *= 4
    return parameters, g


def random_batch(shape: Shape, lanes: int, length: int, g):
    inputs = torch.randint(0, shape.vocab, (lanes, length), generator=g)
    targets = torch.randint(0, shape.vocab, (lanes, length), generator=g)
    reset = torch.rand(lanes, length, generator=g) < 0.1
    states = 0.3 * torch.randn(shape.layers, lanes, shape.hidden, generator=g)
    return inputs, targets, reset, states


def plain(shape, parameters, inputs, targets, reset, states):
    logits, after = model.forward(shape, parameters, inputs, reset, states)
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none"
    ).view(inputs.shape)
    return loss, after


def test_ternary_values_and_straight_through_gradient() -> None:
    w = torch.tensor([[0.9, -0.2, 0.05, -1.4]], requires_grad=True)
    out = model.ternary(w)
    scale = w.detach().abs().mean()
    assert torch.allclose(out, torch.tensor([[1.0, 0.0, 0.0, -1.0]]) * scale)
    upstream = torch.tensor([[1.0, -2.0, 3.0, 0.5]])
    out.backward(upstream)
    assert torch.equal(w.grad, upstream)


def test_quant8_values_and_straight_through_gradient() -> None:
    v = torch.tensor([[1.27, -0.634, 0.0049, 0.0051], [0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    out = model.quant8(v)
    assert torch.allclose(out[0], torch.tensor([1.27, -0.63, 0.0, 0.01]))
    assert torch.equal(out[1], torch.zeros(4))
    out.sum().backward()
    assert torch.equal(v.grad, torch.ones_like(v))


@pytest.mark.parametrize("length", [1, 2, 7, 33])
def test_scan_is_the_recurrence(length: int) -> None:
    g = torch.Generator().manual_seed(length)
    f = torch.rand(2, length, 5, generator=g, dtype=torch.float64)
    x, h0 = torch.randn_like(f), torch.randn(2, 5, dtype=torch.float64)
    h, steps = h0, []
    for t in range(length):
        h = f[:, t] * h + x[:, t]
        steps.append(h)
    assert torch.allclose(model.scan(f, x, h0), torch.stack(steps, 1), atol=1e-12)
    inputs = tuple(tensor.clone().requires_grad_() for tensor in (f, x, h0))
    assert torch.autograd.gradcheck(model.scan, inputs)


def test_state_carries_over_and_reset_drops_it() -> None:
    shape = Shape(64, 64, 2, 50)
    parameters, g = random_network(shape, 1)
    parameters = {n: t.detach().double() for n, t in parameters.items()}
    tokens = torch.randint(0, 50, (2, 12), generator=g)
    no_reset, zero = (
        torch.zeros(2, 12, dtype=torch.bool),
        torch.zeros(2, 2, 64, dtype=torch.float64),
    )
    whole, _ = model.forward(shape, parameters, tokens, no_reset, zero)
    first, states = model.forward(shape, parameters, tokens[:, :5], no_reset[:, :5], zero)
    second, _ = model.forward(shape, parameters, tokens[:, 5:], no_reset[:, 5:], states)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-9)
    reset = no_reset.clone()
    reset[:, 5] = True
    split, _ = model.forward(shape, parameters, tokens, reset, zero)
    alone, _ = model.forward(shape, parameters, tokens[:, 5:], no_reset[:, 5:], zero)
    assert torch.allclose(split[:, 5:], alone, atol=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compiled_passes_equal_the_definition(kernels, seed: int) -> None:
    shape = Shape(64, 192, 3, 100)
    parameters, g = random_network(shape, seed)
    batch = random_batch(shape, 3, 21, g)
    loss, after = plain(shape, parameters, *batch)
    expected = torch.autograd.grad(loss.mean(), list(parameters.values()))
    fused = Fused(kernels, shape, torch.float32)
    got, states, grads = fused.loss_and_grad(parameters, *batch, 1 / loss.numel())
    # An activation within float32 rounding of a code boundary may take the other code; then a
    # few tokens differ by more than rounding, never the bulk of them.
    assert (loss - got).abs().median() < 1e-5 and (loss - got).abs().max() < 0.2
    assert (after - states).abs().median() < 1e-6
    assert set(grads) == set(parameters)
    for name, gradient in zip(parameters, expected, strict=True):
        error = (gradient - grads[name]).norm() / gradient.norm()
        assert error < 0.05, name
    exact, _ = fused.loss(parameters, *batch)
    assert torch.equal(exact, got)


def test_dropout_masks_agree_and_have_the_right_share(kernels) -> None:
    dropout = model.Dropout(0.2, 2**32 * 3 + 17)
    masks = torch.stack([dropout.mask(k, 200, 64) for k in range(4)])
    assert set(masks.unique().tolist()) == {0.0, 1.25}
    assert (masks == 0).float().mean() == pytest.approx(0.2, abs=0.01)
    assert not masks[0].equal(masks[1])
    assert not masks[0].equal(model.Dropout(0.2, 2**32 * 3 + 18).mask(0, 200, 64))
    shape = Shape(64, 64, 2, 100)
    parameters, g = random_network(shape, 8)
    inputs, targets, reset, states = random_batch(shape, 2, 16, g)
    logits, _ = model.forward(shape, parameters, inputs, reset, states, dropout)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    expected = torch.autograd.grad(loss, list(parameters.values()))
    fused = Fused(kernels, shape, torch.float32)
    batch = (inputs, targets, reset, states)
    got, _, grads = fused.loss_and_grad(parameters, *batch, 1 / inputs.numel(), dropout)
    value = float(loss.detach())
    assert float(got.mean()) == pytest.approx(value, rel=1e-3)
    assert float(fused.loss(parameters, *batch)[0].mean()) != pytest.approx(value, rel=1e-3)
    for name, gradient in zip(parameters, expected, strict=True):
        assert (gradient - grads[name]).norm() < 0.05 * gradient.norm(), name


def test_float_weights_and_bfloat16(kernels) -> None:
    for ternary in (True, False):
        shape = Shape(64, 64, 2, 100, ternary=ternary)
        parameters, g = random_network(shape, 5)
        batch = random_batch(shape, 2, 16, g)
        loss, _ = plain(shape, parameters, *batch)
        expected = torch.autograd.grad(loss.mean(), list(parameters.values()))
        for dtype, limit in ((torch.float32, 0.05), (torch.bfloat16, 0.3)):
            fused = Fused(kernels, shape, dtype)
            got, _, grads = fused.loss_and_grad(parameters, *batch, 1 / loss.numel())
            assert (loss.mean() - got.mean()).abs() < limit * 0.1
            for name, gradient in zip(parameters, expected, strict=True):
                assert (gradient - grads[name]).norm() < limit * gradient.norm(), (name, dtype)


def test_workers_share_lanes_without_changing_the_result(kernels) -> None:
    shape = Shape(64, 64, 2, 100)
    parameters, g = random_network(shape, 6)
    batch = random_batch(shape, 5, 16, g)
    results = []
    for threads in (1, 2, 5):
        stepper = Stepper(shape, exact=True, threads=threads)
        for tensor in parameters.values():
            tensor.grad = None
        loss, states = stepper.loss_and_grad(parameters, *batch)
        grads = {n: t.grad.clone() for n, t in parameters.items()}
        results.append((loss, states, grads))
    for loss, states, grads in results[1:]:
        assert torch.equal(loss, results[0][0]) and torch.equal(states, results[0][1])
        for name, gradient in grads.items():
            assert torch.allclose(gradient, results[0][2][name], rtol=1e-3, atol=1e-6), name


def test_parts_of_a_step_add_up_to_it(kernels, monkeypatch) -> None:
    shape = Shape(64, 64, 2, 100)
    parameters, g = random_network(shape, 6)
    batch = random_batch(shape, 4, 16, g)
    *parts, states = batch
    dropout = model.Dropout(0.2, 5)
    for switch, threads in (("on", 4), ("off", 1)):
        monkeypatch.setenv("TRITSTREAM_TRAIN_KERNELS", switch)
        found = []
        for count in (1, 4):
            stepper = Stepper(shape, exact=True, threads=threads)
            assert bool(stepper.why_plain) == (switch == "off")
            for tensor in parameters.values():
                tensor.grad = None
            for k in range(count):
                own = slice(4 * k // count, 4 * (k + 1) // count)
                stepper.loss_and_grad(
                    parameters, *(t[own] for t in parts), states[:, own],
                    # By autograd a part has one mask, whatever its lanes: no dropout to compare.
                    dropout if switch == "on" else None, 1 / 64, own.start,
                )  # fmt: skip
            found.append({n: t.grad.clone() for n, t in parameters.items()})
        for name, gradient in found[0].items():
            assert torch.allclose(gradient, found[1][name], rtol=1e-3, atol=1e-6), name


@pytest.mark.parametrize("ternary", [True, False])
def test_bfloat16_products_follow_the_definition(ternary: bool) -> None:
    shape = Shape(64, 64, 2, 100, ternary=ternary)
    parameters, g = random_network(shape, 9)
    inputs, targets, reset, states = random_batch(shape, 2, 16, g)
    found = []
    for bfloat16 in (False, True):
        logits, _ = model.forward(shape, parameters, inputs, reset, states, None, bfloat16)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        found.append((loss.detach(), torch.autograd.grad(loss, list(parameters.values()))))
    assert found[0][0] == pytest.approx(float(found[1][0]), rel=0.02)
    for name, a, b in zip(parameters, found[0][1], found[1][1], strict=True):
        assert b.dtype == torch.float32 and (a - b).norm() < 0.3 * a.norm(), name


def test_without_a_compiler_autograd_takes_over(monkeypatch) -> None:
    monkeypatch.setenv("TRITSTREAM_TRAIN_KERNELS", "off")
    shape = Shape(64, 64, 2, 100)
    parameters, g = random_network(shape, 7)
    stepper = Stepper(shape, exact=False, threads=1)
    assert "switched off" in stepper.why_plain
    batch = random_batch(shape, 2, 8, g)
    loss, _ = stepper.loss_and_grad(parameters, *batch)
    assert torch.equal(loss, plain(shape, parameters, *batch)[0].detach())
    assert all(t.grad is not None and t.grad.isfinite().all() for t in parameters.values())
