"""Describe the machine: processor, cores, memory, accelerators and their drivers.

Nothing here may be slow or fail: a driver that doesn't answer in time is described by what
`/proc` says of it, and what nobody says is left out.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from provgraph.collect.environment import this_host
from provgraph.model.digests import ABSENT, keyed_digest, value_digest

_GPU = "gpu"
_NVIDIA = "nvidia"
# Devices that are no hardware of its own: the kernel's doors, file systems, networks, consoles.
_NONE = (
    *("fuse", "loop", "net/", "userfaultfd", "kmsg", "hwrng", "vcs", "cpu_dma_latency", "rfkill"),
    *("uinput", "input/", "autofs", "btrfs-control", "mapper/", "null", "zero", "full", "pts/"),
    *("ptmx", "random", "urandom", "std", "fd", "shm/", "log", "console", "mqueue", "hugepages"),
    *("tty", "zram", "vsock", "vhost", "snapshot", "watchdog"),
)
_LINES = ("ttyUSB", "ttyACM", "ttyAMA", "ttyS")  # what instruments talk through
_PATIENCE = 1.0  # s that NVML may take; waking a sleeping card can take longer


@dataclass(frozen=True, slots=True)
class HardwareSeen:
    """A machine: `touched` are its parts (`cpu`, `cores`, `memory`, `gpu0`, `gpu0.driver`, …)."""

    name: str
    title: str
    document: dict[str, Any]
    touched: dict[str, str] = field(default_factory=dict)


def describe_hardware(
    *, key: bytes, host: str | None = None, devices: Mapping[str, bool] | None = None
) -> HardwareSeen:
    """Describe this machine.

    `devices` are those that were opened, by their names below `/dev`, and whether they were there;
    None: that isn't known, so that every accelerator counts.
    """
    values = hardware_values()
    extra = [text for name, text in values.items() if re.fullmatch(r"gpu\d+", name)]
    memory = values.get("memory", "memory unknown")
    title = ", ".join((values["cpu"], f"{values['cores']} cores", memory, *extra))
    return HardwareSeen(
        name=hardware_name(key=key, host=host),
        title=title,
        document={"schema": "provgraph/hardware/1", "parts": values},
        touched=_touched(values, devices),
    )


def _touched(values: Mapping[str, str], devices: Mapping[str, bool] | None) -> dict[str, str]:
    """Say what a run rests on: the processor and memory in any case, else what it opened."""
    every = {name: value_digest(text) for name, text in values.items()}
    if devices is None:
        return every
    found = {name: digest for name, digest in every.items() if not name.startswith(_GPU)}
    for name, there in sorted(devices.items()):
        if name.startswith(_NVIDIA):
            cards = [_card(name)] if there else []
            parts = [one for one in every if one.startswith(_GPU) and _is_of(one, cards)]
            found |= {one: every[one] for one in parts}
            if not parts:
                number = name.removeprefix(_NVIDIA)
                found.setdefault(f"{_GPU}{number if number.isdecimal() else 0}", ABSENT)
        elif not name.startswith(_NONE) or name.startswith(_LINES):
            found[name] = _device(name)
    return found


def _is_of(part: str, cards: Sequence[str]) -> bool:
    """Tell whether a part is one of these cards', or the driver that all of them have."""
    return any(not card or part.partition(".")[0] == card for card in cards)


def _card(device: str) -> str:
    """Give which card a device is, as they are counted here; empty for all, or where in doubt."""
    number = device.removeprefix(_NVIDIA)
    try:
        for index, folder in enumerate(sorted(Path("/proc/driver/nvidia/gpus").iterdir())):
            text = (folder / "information").read_text("utf-8", "replace")
            if re.search(rf"^Device Minor:\s*{number}$", text, re.MULTILINE) and number.isdecimal():
                return f"{_GPU}{index}"
    except OSError:
        pass
    return ""


def _device(name: str) -> str:
    """Give what a device is, as the kernel tells; `absent` where there is none."""
    try:
        seen = os.stat(os.path.join("/dev", name))
    except OSError:
        return ABSENT
    if not (stat.S_ISCHR(seen.st_mode) or stat.S_ISBLK(seen.st_mode)):
        return ABSENT
    kind = "char" if stat.S_ISCHR(seen.st_mode) else "block"
    place = f"/sys/dev/{kind}/{os.major(seen.st_rdev)}:{os.minor(seen.st_rdev)}"
    driver = os.path.basename(os.path.realpath(f"{place}/device/driver"))
    told = [_line(f"{place}/name"), "" if driver == "driver" else driver]
    told += [_line(f"/sys/module/{driver}/version")]
    told += [_line(f"{place}/device/{one}") for one in ("vendor", "device", "model", "modalias")]
    return value_digest(" ".join(filter(None, told)) or "there")


def _line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return " ".join(file.readline(200).split())
    except OSError:
        return ""


def hardware_name(*, key: bytes, host: str | None = None) -> str:
    """Name a machine without giving its name away."""
    data = (host or this_host()).encode("utf-8", "surrogateescape")
    return "hardware:" + keyed_digest(key, b"hardware\0" + data).rpartition(":")[2][:12]


def present_part(name: str, part: str, *, key: bytes, host: str | None = None) -> str | None:
    """Give a part of a machine as it is now; None where it isn't this one."""
    if name != hardware_name(key=key, host=host) or part.startswith("#"):
        return None
    value = hardware_values().get(part)
    if value is None:
        return ABSENT if part.startswith(_GPU) else _device(part)
    return value_digest(value)


def hardware_values() -> dict[str, str]:
    """Give what this machine has, part → words; looked up once."""
    return dict(_values())


@lru_cache(maxsize=1)
def _values() -> tuple[tuple[str, str], ...]:
    values = {"cpu": _processor(), "cores": str(os.cpu_count() or 1)}
    memory = _memory()
    if memory:
        values["memory"] = memory
    return tuple((values | _accelerators()).items())


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", "rb") as file:
            text = file.read(8192).decode("utf-8", "replace")
        for field_name in ("model name", "Model", "cpu model", "uarch"):
            match = re.search(rf"^{field_name}\s*:\s*(.+)$", text, re.MULTILINE)
            if match:
                return " ".join(match[1].split())
    except OSError:
        pass
    return os.uname().machine


def _memory() -> str:
    """Give the memory in whole GiB: what kernels set aside of it varies."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return ""
    return f"{max(1, round(size / 2**30))} GiB" if size > 0 else ""


def _accelerators() -> dict[str, str]:
    if not os.path.exists("/proc/driver/nvidia/version"):
        return {}
    found: dict[str, str] = {}
    thread = threading.Thread(target=lambda: found.update(_nvml()), daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    # A copy: the thread may still be at it.
    return dict(found) or _proc_nvidia()


def _nvml() -> dict[str, str]:
    try:
        import pynvml

        pynvml.nvmlInit()
        try:
            driver = _text(pynvml.nvmlSystemGetDriverVersion())
            values: dict[str, str] = {}
            for index in range(pynvml.nvmlDeviceGetCount()):
                device = pynvml.nvmlDeviceGetHandleByIndex(index)
                values[f"gpu{index}"] = _text(pynvml.nvmlDeviceGetName(device))
                values[f"gpu{index}.driver"] = driver
            return values
        finally:
            pynvml.nvmlShutdown()
    # A driver may fail in ways of its own; a machine without it is described without it.
    except Exception:  # noqa: BLE001
        return {}


def _proc_nvidia() -> dict[str, str]:
    values: dict[str, str] = {}
    try:
        version = Path("/proc/driver/nvidia/version").read_text("utf-8", "replace")
        match = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", version)
        for index, folder in enumerate(sorted(Path("/proc/driver/nvidia/gpus").iterdir())):
            text = (folder / "information").read_text("utf-8", "replace")
            model = re.search(r"^Model:\s*(.+)$", text, re.MULTILINE)
            values[f"gpu{index}"] = model[1].strip() if model else "NVIDIA"
            if match:
                values[f"gpu{index}.driver"] = match[1]
    except OSError:
        pass
    return values


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
