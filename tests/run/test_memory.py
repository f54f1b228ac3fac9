"""What a step's peak counts."""

from allbrains.run.slot.memory import peak_mb, reset_peak


def test_what_was_freed_before_is_not_counted_and_what_is_taken_after_is():
    pieces = [bytearray(65_536) for _ in range(4_000)]  # 262 MB in pieces that no single unmapping returns
    kept = pieces[::100]
    before = peak_mb()
    del pieces
    reset_peak()
    assert peak_mb() < before - 150
    resting = peak_mb()
    taken = bytearray(300_000_000)
    taken[::4096] = b"\1" * len(taken[::4096])
    del taken
    assert peak_mb() > resting + 250
    assert len(kept) == 40
