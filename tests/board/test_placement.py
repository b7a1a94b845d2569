from hypothesis import given
from hypothesis import strategies as st

from tritstream.board.placement import Placement, Span, place

SIZES = st.lists(st.integers(1, 50), min_size=2, max_size=12)


def test_what_fits_is_resident() -> None:
    placement = place([10, 10, 30], 50)
    assert placement == Placement((10, 10, 30), ())
    assert placement.spans(3) == (Span(0, 2, None),)
    assert placement.spans(2) == (Span(0, 1, None),)


def test_as_few_records_as_possible_are_streamed_and_not_the_head() -> None:
    placement = place([10] * 6 + [30], 80)
    assert placement is not None
    assert placement.streamed == (0, 2, 4)  # 3 * 10 + 30 + 2 slots
    assert placement.bytes == 80
    assert placement.spans(7) == (Span(0, 1, 0), Span(2, 3, 2), Span(4, 6, 4))


def test_the_head_is_streamed_when_nothing_else_helps() -> None:
    placement = place([10] * 4 + [15], 34)
    assert placement is not None
    assert placement.streamed == tuple(range(5))
    assert placement.slot_bytes == 15
    assert place([10] * 4 + [15], 29) is None


@given(sizes=SIZES, budget=st.integers(0, 700), data=st.data())
def test_spans_cover_the_records_and_hold_one_streamed_each(
    sizes: list[int], budget: int, data: st.DataObject
) -> None:
    placement = place(sizes, budget)
    if placement is None:
        assert 2 * max(sizes) > budget
        return
    assert placement.bytes <= budget
    assert len(placement.streamed) != 1
    assert bool(placement.streamed) == (sum(sizes) > budget)
    records = data.draw(st.integers(1, len(sizes)))
    spans = placement.spans(records)
    assert [i for s in spans for i in range(s.first, s.last + 1)] == list(range(records))
    for span in spans:
        inside = [i for i in placement.streamed if span.first <= i <= span.last]
        assert inside == ([] if span.streamed is None else [span.streamed])


def test_no_record_is_streamed_alone() -> None:
    for budget in range(100):
        placement = place([10, 10, 10, 10], budget)
        assert placement is None or len(placement.streamed) != 1
