"""What is kept of objects that were read: the newest that fit."""

from dashboard.sql.object_cache import ObjectCache

A, B, C = (("bucket", key, "etag") for key in "abc")


def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = ObjectCache(most_bytes=10)
    cache.keep(A, b"1234")
    cache.keep(B, b"1234")
    assert cache.get(A) == b"1234"
    cache.keep(C, b"1234")
    assert (cache.get(A), cache.get(B), cache.get(C)) == (b"1234", None, b"1234")


def test_an_object_counts_once_and_one_that_is_too_large_is_not_kept() -> None:
    cache = ObjectCache(most_bytes=10)
    for _ in range(5):
        cache.keep(A, b"12345678")
    assert cache.get(A) == b"12345678"
    cache.keep(B, b"12345678901")
    assert cache.get(B) is None


def test_another_object_under_the_same_key_is_another_one() -> None:
    cache = ObjectCache()
    cache.keep(A, b"old")
    assert cache.get(("bucket", "a", "another")) is None
