import gc

from dgtalker_engine.server.loading import loading


def test_what_is_loaded_is_not_looked_at_again_and_what_comes_later_is():
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    later = []
    later.append(later)
    del later
    assert gc.collect() > 0
    gc.unfreeze()
