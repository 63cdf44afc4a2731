from pathlib import Path

import pytest

from trade_ingest.embedded import tuning

GIB = 1024 * tuning.MIB


@pytest.mark.parametrize(
    ("memory_bytes", "expected"),
    [(GIB, "256MB"), (2 * GIB, "256MB"), (4 * GIB, "512MB"), (8 * GIB, "1024MB"), (256 * GIB, "1024MB")],
)
def test_shared_buffers_are_an_eighth_of_memory_within_bounds(memory_bytes, expected):
    values = {setting.name: setting.value for setting in tuning.settings_for(memory_bytes)}

    assert values["shared_buffers"] == expected


def test_each_setting_has_a_reason_in_the_file_and_overrides_come_last():
    text = tuning.render_settings(8 * GIB, socket_dir=Path("/it's"), port=5432, overrides={"fsync": "off"})

    for setting in tuning.settings_for(8 * GIB):
        assert f"# {setting.reason}\n{setting.name} = {setting.value}\n" in text
    assert "unix_socket_directories = '/it''s'\n" in text
    assert text.endswith("\nfsync = off\n")


def test_limit_of_a_container_counts_as_its_memory(monkeypatch, tmp_path):
    limit, no_limit = tmp_path / "limit", tmp_path / "no_limit"
    limit.write_text(f"{300 * tuning.MIB}\n")
    no_limit.write_text("max\n")
    monkeypatch.setattr(tuning, "_CGROUP_LIMITS", (no_limit, tmp_path / "missing"))
    machine_bytes = tuning.memory_bytes()
    monkeypatch.setattr(tuning, "_CGROUP_LIMITS", (no_limit, limit))

    assert tuning.memory_bytes() == 300 * tuning.MIB
    assert machine_bytes > 300 * tuning.MIB
