"""What a device did during a call, and what the host waited for, from the profiler's trace."""

import gzip
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

# What the host calls when it starts work, and when it waits until the device is done.
_LAUNCHES = ("cuLaunchKernel", "cudaLaunchKernel", "cuGraphLaunch", "cudaGraphLaunch", "hipLaunchKernel")
_WAITS = (
    *("cuStreamSynchronize", "cuEventSynchronize", "cuCtxSynchronize", "cudaStreamSynchronize"),
    *("cudaDeviceSynchronize", "cudaEventSynchronize", "hipStreamSynchronize"),
)


def traced(call: Callable[[], Any]) -> dict[str, Any]:
    """`read_trace` of a call; the reason under "not_measured" where that fails, for it is the profiler's to fail."""
    try:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0  # its events would crowd out the device's
        with tempfile.TemporaryDirectory() as folder:
            with jax.profiler.trace(folder, profiler_options=options):
                call()
            events: list[dict[str, Any]] = []
            for path in Path(folder).rglob("*.trace.json.gz"):
                with gzip.open(path, "rt", encoding="utf-8") as file:
                    events += json.load(file)["traceEvents"]
        return read_trace(events)
    except Exception as error:  # whatever it is, the rest of the run is worth having
        return {"not_measured": f"{type(error).__name__}: {error}"[:300]}


def read_trace(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts and seconds of a trace in Chrome's format; a reason under "not_measured" where no device is in it.

    - `kernels`, `copies`: that the device ran, by itself or in a graph; `reads`: copies of them to the host.
    - `busy_seconds`: in which the device ran anything; `span_seconds`: from the first of it to the last.
    - `launches`, `waits`, `wait_seconds`: of the host, None where the trace has no calls of the driver.
    """
    processes, threads = _named(events, "process_name", "pid"), _named(events, "thread_name", "pid", "tid")
    on_device: list[dict[str, Any]] = []
    on_host: list[dict[str, Any]] = []
    for event in events:
        if event.get("ph") != "X":
            continue
        if not processes.get((event["pid"],), "").startswith("/device:"):
            on_host.append(event)
        # Other lines of a device sum up what the streams have.
        elif threads.get((event["pid"], event.get("tid")), "").startswith("Stream"):
            on_device.append(event)
    if not on_device:
        return {"not_measured": "the trace has no device in it"}
    kinds = [_kind(event["name"]) for event in on_device]
    launches = [event for event in on_host if event["name"].startswith(_LAUNCHES)]
    waits = [event for event in on_host if event["name"].startswith(_WAITS)]
    known = bool(launches or waits)
    start = min(event["ts"] for event in on_device)
    return {
        "kernels": kinds.count("kernel"),
        "copies": len(kinds) - kinds.count("kernel"),
        "reads": kinds.count("read"),
        "busy_seconds": _covered(on_device) / 1e6,
        "span_seconds": (max(event["ts"] + event.get("dur", 0.0) for event in on_device) - start) / 1e6,
        "launches": len(launches) if known else None,
        "waits": len(waits) if known else None,
        "wait_seconds": sum(event.get("dur", 0.0) for event in waits) / 1e6 if known else None,
    }


def _named(events: list[dict[str, Any]], name: str, *keys: str) -> dict[tuple[Any, ...], str]:
    return {
        tuple(event.get(key) for key in keys): event["args"]["name"]
        for event in events
        if event.get("ph") == "M" and event.get("name") == name
    }


def _kind(name: str) -> str:
    lower = name.lower().replace(" ", "")
    if lower.startswith(("memcpyd2h", "memcpydtoh")):
        return "read"
    return "copy" if lower.startswith(("memcpy", "memset")) else "kernel"


def _covered(events: list[dict[str, Any]]) -> float:
    """Return the length of the union of the times of events, which may overlap."""
    covered, end = 0.0, float("-inf")
    for event in sorted(events, key=lambda event: event["ts"]):
        last = event["ts"] + event.get("dur", 0.0)
        covered += max(last - max(event["ts"], end), 0.0)
        end = max(end, last)
    return covered
