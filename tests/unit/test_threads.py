"""Cores, and libraries that are kept to one thread."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ris_core.threads import cores, in_threads, one_thread


def test_the_variable_of_openmp_decides_about_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cores() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "none")
    assert cores() == joblib.cpu_count()


def test_libraries_have_one_thread_inside_and_their_own_number_again_outside() -> None:
    before = {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()}
    with one_thread("blas"):
        assert {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"} == {1}
    with one_thread():
        assert {lib["num_threads"] for lib in threadpool_info()} == {1}
    assert {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()} == before


def test_results_come_in_order_each_computed_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(n: int) -> tuple[int, set[int]]:
        np.ones((64, 64)) @ np.ones((64, 64))
        return n, {lib["num_threads"] for lib in threadpool_info()}

    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert list(in_threads(work, range(9))) == [(n, {1}) for n in range(9)]


def test_an_error_of_one_item_is_raised() -> None:
    def work(n: int) -> int:
        if n == 2:
            raise ValueError("item 2")
        return n

    with pytest.raises(ValueError, match="item 2"):
        list(in_threads(work, range(4)))
