"""Hardware: described without waiting and without failing."""

import os
import sys
from types import ModuleType

import pytest

from provgraph.collect import hardware
from provgraph.model.digests import ABSENT

KEY = b"k" * 32


def test_this_machine_is_described() -> None:
    seen = hardware.describe_hardware(key=KEY)
    assert seen.name == hardware.hardware_name(key=KEY)
    assert len(seen.name) == len("hardware:") + 12
    assert seen.touched["cores"] == f"v:{os.cpu_count()}"
    assert all(digest.startswith("v:") for digest in seen.touched.values())
    assert seen.document["parts"].keys() == seen.touched.keys()
    assert seen.title


def test_present_parts_are_this_machines_only() -> None:
    seen = hardware.describe_hardware(key=KEY, host="a")
    for part, digest in seen.touched.items():
        assert hardware.present_part(seen.name, part, key=KEY, host="a") == digest
    assert hardware.present_part(seen.name, "gpu99", key=KEY, host="a") == ABSENT
    assert hardware.present_part(seen.name, "cpu", key=KEY, host="b") is None
    assert hardware.present_part(seen.name, "cpu", key=b"o" * 32, host="a") is None


def test_the_host_is_not_given_away() -> None:
    assert "secret-host" not in hardware.hardware_name(key=KEY, host="secret-host")


class FakeNvml(ModuleType):
    """The part of NVML that is asked for, with two cards."""

    def nvmlInit(self) -> None:  # noqa: N802
        if self.__name__ == "failing":
            raise RuntimeError("driver mismatch")

    def nvmlShutdown(self) -> None:  # noqa: N802
        pass

    def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"535.104.05"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, device: int) -> str:  # noqa: N802
        return f"Card {device}"


def test_accelerators_and_their_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml("pynvml"))
    assert hardware._nvml() == {
        "gpu0": "Card 0",
        "gpu0.driver": "535.104.05",
        "gpu1": "Card 1",
        "gpu1.driver": "535.104.05",
    }


def test_a_failing_driver_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml("failing"))
    assert hardware._nvml() == {}
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert hardware._nvml() == {}


def test_a_run_rests_on_the_accelerators_that_it_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"cpu": "C", "cores": "2", "gpu0": "A", "gpu0.driver": "5", "gpu1": "B"}
    monkeypatch.setattr(hardware, "hardware_values", lambda: dict(values))

    def parts(devices: dict[str, bool] | None) -> set[str]:
        return set(hardware.describe_hardware(key=KEY, devices=devices).touched)

    assert parts(None) == set(values)
    assert parts({}) == {"cpu", "cores"}
    assert parts({"null": True, "pts/0": True}) == {"cpu", "cores"}
    # Which card is which isn't known here: each may be meant.
    assert parts({"nvidia0": True, "nvidiactl": True}) == set(values)
    seen = hardware.describe_hardware(key=KEY, devices={"video99": False})
    assert seen.touched["video99"] == ABSENT
    assert hardware.present_part(seen.name, "video99", key=KEY) == ABSENT


def test_looking_for_a_card_in_vain_is_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "hardware_values", lambda: {"cpu": "C", "cores": "2"})
    seen = hardware.describe_hardware(key=KEY, devices={"nvidiactl": False})
    assert seen.touched["gpu0"] == ABSENT
