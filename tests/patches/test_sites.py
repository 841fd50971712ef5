import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.patches.sites import at, centred, drawn, grid, sums

quick = settings(max_examples=50, deadline=None)
lengths = st.integers(1, 60)


def test_sums_count_what_each_window_holds():
    mask = np.zeros((4, 5), bool)
    mask[1, 2] = mask[3, 4] = True
    # Windows of 2 x 2: four of them hold (2, 1); only the last one holds (4, 3).
    assert sums(mask, 2).tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]


@quick
@given(lengths, lengths, st.data())
def test_sums_agree_with_slices(rows, columns, data):
    size = data.draw(st.integers(1, min(rows, columns)))
    values = np.random.default_rng(rows * columns).random((rows, columns)).astype(np.float32)
    x, y = data.draw(st.integers(0, columns - size)), data.draw(st.integers(0, rows - size))
    assert np.isclose(sums(values, size)[y, x], values[y : y + size, x : x + size].sum(), rtol=1e-5)
    assert at(sums(values > 0.5, size), np.array([[x, y]]))[0] == (values[y : y + size, x : x + size] > 0.5).sum()


def test_a_grid_stops_where_the_next_window_would_leave():
    # 7 columns hold windows of 3 from 0 and 3; 5 rows one from 0, since one from 3 would need row 5.
    assert grid((5, 7), 3, 3).tolist() == [[0, 0], [3, 0]]
    assert grid((5, 7), 3, 2, (1, 0)).tolist() == [[1, 0], [3, 0], [1, 2], [3, 2]]


@quick
@given(lengths, lengths, st.integers(1, 20), st.integers(1, 30), st.integers(0, 10), st.integers(0, 10))
def test_every_window_of_a_grid_lies_inside(rows, columns, size, stride, x, y):
    corners = grid((rows, columns), size, stride, (x, y))
    assert (corners >= (x, y)).all()
    assert (corners + size <= (columns, rows)).all()
    # At a stride of its side no pixel is in two windows; so many fit.
    fits = [max(0, (length - size - start) // stride + 1) for length, start in ((columns, x), (rows, y))]
    assert len(np.unique(corners, axis=0)) == len(corners) == fits[0] * fits[1]


def test_a_window_of_even_size_reaches_further_before_its_centre():
    # A point on the centre of pixel 10: 4 pixels before it, itself and 3 after it.
    assert centred(np.array([[10.0, 20.0]]), 8, (100, 100)).tolist() == [[6, 16]]
    # Between pixels 10 and 11 the window is exactly centred: pixels 7 to 14.
    assert centred(np.array([[10.5, 20.5]]), 8, (100, 100)).tolist() == [[7, 17]]


@quick
@given(st.integers(5, 60), st.integers(5, 60), st.integers(1, 5), st.data())
def test_a_centred_window_holds_its_point_and_is_shifted_no_further_than_it_must(rows, columns, size, data):
    point = [data.draw(st.floats(0, length - 1)) for length in (columns, rows)]
    x, y = centred(np.array([point]), size, (rows, columns))[0]
    for start, value, length in ((x, point[0], columns), (y, point[1], rows)):
        pixel = int(np.floor(value + 0.5))
        assert 0 <= start <= length - size
        assert start <= pixel < start + size
        wanted = pixel - size // 2
        assert start == wanted or start in (0, length - size)


@quick
@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_draws_are_allowed_and_all_different(count, seed):
    allowed = np.random.default_rng(5).random((6, 7)) < 0.4
    corners = drawn(allowed, count, np.random.default_rng(seed))
    assert len(corners) == min(count, allowed.sum())
    assert at(allowed, corners).all()
    assert len(np.unique(corners, axis=0)) == len(corners)


def test_draws_repeat_with_their_seed_and_are_uniform():
    allowed = np.zeros((3, 3), bool)
    allowed[0, 1] = allowed[2, 2] = True
    draws = [tuple(drawn(allowed, 1, np.random.default_rng(seed))[0].tolist()) for seed in range(200)]
    assert draws == [tuple(drawn(allowed, 1, np.random.default_rng(seed))[0].tolist()) for seed in range(200)]
    # Of 200 fair draws of one of two, 70 to 130 with a probability above 0.9999.
    assert 70 <= draws.count((1, 0)) <= 130
    assert set(draws) == {(1, 0), (2, 2)}
