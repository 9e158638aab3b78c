"""Benchmarks by name: `python -m bench NAME`, `--smoke` for the smallest run that goes through everything."""

import argparse
import importlib
import tempfile
from pathlib import Path
from typing import Any

BENCHMARKS = (
    "auto",
    "methods",
    "quality",
    "switching",
    "replanning",
    "bounds",
    "closing",
    "batching",
    "throughput",
    "offloading",
    "scaling",
    "large",
    "sizing",
    "sweeping",
    "tuning",
    "roofline",
    "compile",
    "shapes",
    "launches",
    "device",
    "adversary",
    "certificates",
    "shared",
    "publish",
)


def main() -> None:
    """Run one benchmark, or all of them in their smallest form."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="run every benchmark in its smallest form")
    names = parser.add_subparsers(dest="name", metavar="NAME")
    modules: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name in BENCHMARKS:
        try:
            module = modules[name] = importlib.import_module(f".{name}", __package__)
        except ModuleNotFoundError as error:
            # What draws is not to be needed by what does not, on a machine to which everything has to be carried.
            missing[name] = f"{name} needs {error.name}, which is not installed"
            continue
        summary, *_ = (module.__doc__ or "").splitlines()
        own = names.add_parser(name, help=summary, description=module.__doc__, formatter_class=_Formatter)
        own.add_argument("--smoke", action="store_true", help="the smallest run that goes through everything")
        module.add_options(own)
    if missing:
        parser.epilog = "; ".join(missing.values())
    options = parser.parse_args()
    if options.name is not None:
        _run(modules[options.name], options)
    elif options.smoke:
        if missing:
            parser.error("; ".join(missing.values()))
        for name, module in modules.items():
            _run(module, parser.parse_args([name, "--smoke"]))
    else:
        parser.error("name a benchmark, or give --smoke")


def _run(module: Any, options: argparse.Namespace) -> None:
    if not options.smoke:
        module.run(options)
        return
    with tempfile.TemporaryDirectory() as folder:  # a trial must not overwrite results
        options.out = Path(folder, options.name)
        module.run(options)


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    pass


if __name__ == "__main__":
    main()
