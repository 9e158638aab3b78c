"""Benchmarks by name: `python -m bench NAME`, `--smoke` for the smallest run that goes through everything."""

import argparse
import tempfile
from pathlib import Path

from . import (
    batching,
    bounds,
    closing,
    compile,
    large,
    methods,
    offloading,
    quality,
    roofline,
    scaling,
    sweeping,
    throughput,
    tuning,
)

BENCHMARKS = {
    "methods": methods,
    "quality": quality,
    "bounds": bounds,
    "closing": closing,
    "batching": batching,
    "throughput": throughput,
    "offloading": offloading,
    "scaling": scaling,
    "large": large,
    "sweeping": sweeping,
    "tuning": tuning,
    "roofline": roofline,
    "compile": compile,
}


def main() -> None:
    """Run one benchmark, or all of them in their smallest form."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="run every benchmark in its smallest form")
    names = parser.add_subparsers(dest="name", metavar="NAME")
    for name, module in BENCHMARKS.items():
        summary, *_ = (module.__doc__ or "").splitlines()
        own = names.add_parser(name, help=summary, description=module.__doc__, formatter_class=_Formatter)
        own.add_argument("--smoke", action="store_true", help="the smallest run that goes through everything")
        module.add_options(own)
    options = parser.parse_args()
    if options.name is not None:
        _run(options.name, options)
    elif options.smoke:
        for name in BENCHMARKS:
            _run(name, parser.parse_args([name, "--smoke"]))
    else:
        parser.error("name a benchmark, or give --smoke")


def _run(name: str, options: argparse.Namespace) -> None:
    if not options.smoke:
        BENCHMARKS[name].run(options)
        return
    with tempfile.TemporaryDirectory() as folder:  # a trial must not overwrite results
        options.out = Path(folder, name)
        BENCHMARKS[name].run(options)


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    pass


if __name__ == "__main__":
    main()
