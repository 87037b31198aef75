"""Where what was listed is kept."""

from pathlib import Path

from petrostream.disk_cache import place_cache
from petrostream.settings import variable


def test_a_place_is_an_endpoint_and_a_bucket(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv(variable("cache"), str(tmp_path))
    places = {
        place_cache(f"http://127.0.0.1:{port}", bucket)
        for port in (1, 2)
        for bucket in ("curated", "other")
    }
    assert len(places) == 4
    assert tmp_path / "petrostream" / "127.0.0.1-1--curated" in places
    assert place_cache("http://../..", "curated") == tmp_path / "petrostream" / "curated"


def test_without_a_choice_it_is_in_the_users_cache(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv(variable("cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert place_cache("http://h", "b") == tmp_path / "petrostream" / "h--b"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert place_cache("http://h", "b") == tmp_path / "home" / ".cache" / "petrostream" / "h--b"
