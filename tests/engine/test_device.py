import torch

from tacit.engine.device import onednn_is_exact, pick


def test_auto_finds_what_is_there():
    found = pick("auto", "fp32")
    assert found.device.type == ("cuda" if torch.cuda.is_available() else "cpu") and not found.bf16


def test_products_are_as_before_after_the_block():
    before = torch.get_float32_matmul_precision()
    with pick("cpu").products():
        a = torch.randn(64, 64)
        assert torch.allclose((a @ a).double(), a.double() @ a.double(), atol=1e-3)
    assert torch.get_float32_matmul_precision() == before


def test_the_fast_products_are_used_only_where_they_are_exact():
    assert pick("cpu").onednn == onednn_is_exact()


def test_asking_for_bf16_gives_bf16():
    with pick("cpu", "bf16").autocast():
        assert (torch.randn(4, 4) @ torch.randn(4, 4)).dtype == torch.bfloat16
