from __future__ import annotations

import os
from pathlib import Path

import pytest

from iot_service.engines.mosquitto_files import access_list, has_text, put_file
from iot_service.engines.topic_rights import DEVICE_RIGHTS, TopicRights

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_access_list_that_we_ship_is_the_one_that_is_written() -> None:
    assert (DEPLOY / "mosquitto.acl").read_text(encoding="utf-8") == access_list({}, (), DEVICE_RIGHTS)


def test_gateways_and_disabled_devices_have_blocks_of_their_own() -> None:
    text = access_list({"gateway.edge": TopicRights(write=("a/#",), read=("b",))}, ["freezer-1"], DEVICE_RIGHTS)
    assert "user gateway.edge\ntopic read b\ntopic write a/#\n" in text
    assert "user freezer-1\ntopic deny iot/v1/freezer-1/#\n" in text
    assert text.index("pattern") > text.index("topic deny")


def test_formats_of_their_own_give_devices_topics_of_their_own_and_take_them_from_disabled_ones() -> None:
    text = access_list({}, ["freezer-1"], DEVICE_RIGHTS.also_writing(["tele/%u/SENSOR"]))
    assert text.endswith("pattern write tele/%u/SENSOR\npattern read iot/v1/%u/command\n")
    assert "user freezer-1\ntopic deny iot/v1/freezer-1/#\ntopic deny tele/freezer-1/SENSOR\n" in text


def test_a_file_takes_the_place_of_another_in_one_step_and_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    put_file(path, ["old"])
    with path.open() as still_open:
        put_file(path, ["n", "ew"])
        assert (still_open.read(), path.read_text()) == ("old", "new")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["passwords"]
    assert has_text(path, "new")
    assert not has_text(path, "old")
    assert not has_text(tmp_path / "none", "")


def test_a_file_belongs_to_the_group_of_its_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, 54321)
    about = tmp_path.stat()
    put_file(tmp_path / "passwords", ["x"])
    made = (tmp_path / "passwords").stat()
    assert (made.st_uid, made.st_gid) == (about.st_uid, about.st_gid)


def test_a_folder_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put_file(tmp_path / "none" / "passwords", ["x"])
    assert list(tmp_path.iterdir()) == []
