"""A cache forgets what was not asked for."""

from nengo_dl_sim.lru_cache import LRUCache


def test_recent_forgets_what_was_not_asked_for():
    made, recent = [], LRUCache(2)

    def get(key):
        return recent.get(key, lambda: made.append(key) or key)

    assert [get(key) for key in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]
