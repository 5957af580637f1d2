import pytest
import torch

from tacit.nn.ahead import FramesAhead, RowsBelow


def all_real(z: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(z[:, 0], dtype=torch.bool)


def test_a_context_hears_nothing_of_later_frames():
    torch.manual_seed(0)
    predictor = FramesAhead(4, 6, range(1, 3))
    z = torch.randn(2, 4, 7, requires_grad=True)
    for t in range(7):
        (gradient,) = torch.autograd.grad(predictor.context(z)[0, :, t].sum(), z)
        reached = gradient.abs().sum(1) > 0  # (B, n)
        assert reached[0, : t + 1].all()
        assert not reached[0, t + 1 :].any() and not reached[1].any()


def test_the_target_of_frame_t_is_frame_t_plus_k_of_the_same_clip():
    predictor = FramesAhead(3, 3, range(1, 4))
    predictor.context = lambda z: z  # what is known after a frame is the frame
    for ahead in predictor.maps.values():
        torch.nn.init.eye_(ahead.weight)
    z = torch.stack([torch.arange(10.0).view(2, 5)] * 3, dim=1)  # every frame holds its own position
    for k, (predictions, target) in zip(range(1, 4), predictor(z, all_real(z)), strict=True):
        start = predictions[:, 0].long()
        assert start.tolist() == [t for t in range(10) if t % 5 + k < 5]
        assert torch.equal(target, start + k)


def test_no_frame_behind_the_end_of_a_clip_is_predicted_or_predicts():
    predictor, z = FramesAhead(2, 3, range(1, 5)), torch.randn(3, 2, 6)
    real = torch.arange(6) < torch.tensor([[6], [3], [1]])
    for k, (predictions, target) in zip(range(1, 5), predictor(z, real), strict=True):
        assert len(predictions) == len(target) == max(0, 6 - k) + max(0, 3 - k)
        assert real.flatten()[target].all()


def one_hot_grid(n: int, rows: int, columns: int) -> torch.Tensor:
    m = n * rows * columns
    return torch.eye(m).view(n, rows, columns, m).permute(0, 3, 1, 2)


@pytest.mark.parametrize("directions", [1, 2, 4])
def test_only_the_right_offset_finds_its_target(directions):
    """Patches are one-hot of their own position and maps permutations: all right with the offset, none with another."""
    rows = columns = 5
    z = one_hot_grid(2, rows, columns)
    place = torch.arange(50).view(2, rows, columns)
    predictor = RowsBelow(50, 50, range(2, 4), directions)
    predictor.looks = torch.nn.ModuleList(torch.nn.Identity() for _ in predictor.turns)
    down = {0: (1, 0), 1: (0, -1), 2: (-1, 0), 3: (0, 1)}  # a grid turned counterclockwise: its down was to the left
    for shift, right in ((0, 1.0), (1, 0.0)):
        for turn in predictor.turns:
            for k in predictor.offsets:
                dy, dx = (each * (k + shift) for each in down[turn])
                weight = torch.zeros(50, 50)
                weight[place.roll((-dy, -dx), (1, 2)).flatten(), place.flatten()] = 1.0
                predictor.maps[f"{turn}_{k}"].weight = torch.nn.Parameter(weight)
        for predictions, target in predictor(z, all_real(z)):
            found = (predictions @ torch.eye(50)).argmax(1) == target
            assert found.float().mean() == right


def test_turning_the_grid_by_180_degrees_swaps_the_losses_of_up_and_down():
    torch.manual_seed(0)
    z, predictor = torch.randn(2, 4, 5, 6), RowsBelow(4, 6, range(2, 4), 2)
    swapped = RowsBelow(4, 6, range(2, 4), 2)
    for one, other in ((0, 1), (1, 0)):
        swapped.looks[one].load_state_dict(predictor.looks[other].state_dict())
        for k in (2, 3):
            swapped.maps[f"{2 * one}_{k}"].load_state_dict(predictor.maps[f"{2 * other}_{k}"].state_dict())

    def scores(predictor: RowsBelow, z: torch.Tensor) -> list[torch.Tensor]:
        parts = z.permute(0, 2, 3, 1).flatten(0, 2)
        return [(p * parts[target]).sum(1).sort().values for p, target in predictor(z, all_real(z))]

    down, up = scores(predictor, z)[:2], scores(predictor, z)[2:]
    turned = scores(swapped, z.rot90(2, (2, 3)))
    for a, b in zip([*up, *down], turned, strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    assert not torch.allclose(down[0], up[0])


def test_no_row_outside_the_grid_is_predicted():
    predictor, z = RowsBelow(3, 4, range(2, 5), 4), torch.randn(2, 3, 6, 5)
    for i, (predictions, target) in enumerate(predictor(z, all_real(z))):
        k, (rows, columns) = 2 + i % 3, (6, 5) if i // 3 % 2 == 0 else (5, 6)
        assert len(predictions) == len(target) == 2 * (rows - k) * columns
        assert target.unique().numel() == len(target) and target.max() < 60


def test_the_context_of_all_directions_lies_where_its_patch_lies():
    predictor = RowsBelow(3, 3, range(2, 3), 4)
    predictor.looks = torch.nn.ModuleList(torch.nn.Identity() for _ in predictor.turns)
    z = torch.randn(2, 3, 4, 6)
    assert torch.allclose(predictor.context(z), z, atol=1e-6)
