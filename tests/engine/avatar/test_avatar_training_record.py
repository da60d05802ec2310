"""The record of a training in a .dgt file: kept, shown, refused where it is damaged, and not needed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from made_avatars import linear_head

from dgtalker_engine import avatar
from dgtalker_engine.avatar import dgt
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import DGTalkerError

RECORD = avatar.TrainingRecord(
    system="gaussiantalker",
    version="1.2.3",
    clip_seconds=4.96,
    frames=124,
    bake_psnr=41.25,
    bake_lip_error=0.31,
    unsupported=("mouthClose",),
)


def trained_head():
    head = linear_head()
    return replace(head, metadata=replace(head.metadata, training=RECORD))


def file_with(record) -> bytes:
    head = linear_head()
    document = {**head.metadata.to_json(), "training": record}
    return dgt.dump(document, avatar.KINDS["linear"].save(head))


def test_the_record_of_a_training_comes_back_as_it_was_written():
    assert avatar.load(avatar.pack(trained_head())).metadata.training == RECORD


def test_a_file_without_a_record_loads_as_before_and_its_document_has_no_such_key():
    data = avatar.pack(linear_head())
    assert "training" not in json.loads(dgt.read_header(data)[0])
    assert avatar.load(data).metadata.training is None


def test_a_file_with_a_record_has_the_format_version_that_older_readers_know():
    assert json.loads(dgt.read_header(avatar.pack(trained_head()))[0])["format_version"] == 2


@pytest.mark.parametrize(
    "record",
    [
        {},
        {**RECORD.to_json(), "bake": 41.0},
        {**RECORD.to_json(), "frames": "many"},
        {**RECORD.to_json(), "unsupported": ["wings"]},
        "trained",
    ],
)
def test_a_damaged_record_is_refused_with_a_clear_word(record):
    with pytest.raises(DGTalkerError, match="document cannot be read"):
        avatar.load(file_with(record))


def test_avatar_info_shows_how_a_head_was_trained_and_what_its_video_never_showed(tmp_path, capsys):
    avatar.save(trained_head(), tmp_path / "head.dgt")
    assert main(["avatar", "info", str(tmp_path / "head.dgt")]) == 0
    said = capsys.readouterr().out
    for words in ("gaussiantalker 1.2.3", "5.0 s", "124 frames", "41.2 dB", "0.31 px", "mouthClose"):
        assert words in said
