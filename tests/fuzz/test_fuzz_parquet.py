"""A first stretch of the fuzzing, always the same, with every run of the tests."""

from tests.fuzz.fuzz_parquet import run


def test_crafted_parquet_is_refused_or_decoded() -> None:
    at, faults, outcomes = run(1, 1000, 2500)
    assert faults == {}
    assert at == 2500
    assert min(outcomes["accepted"], outcomes["refused"]) > 300
