"""The paper's experiments, declared. Loads no library.

A further figure is a further entry of `EXPERIMENTS`.
"""

from collections.abc import Mapping

from .declaration import Axis, Experiment, Point, View, sweep
from .methods import TABLE_IV

_WITHOUT_FULL_LOCAL = tuple(method for method in TABLE_IV if method != "full-local")

# The motivating example has nothing random in it, and the paper shows probabilities.
_SPREAD = 0.2
_HOMOGENEOUS, _HETEROGENEOUS = "homogeneous", "heterogeneous"
_OF_FIG1 = tuple(
    Point("motivating", {"proportion_a": tenths / 10, "hot_share": hot, "spread": _SPREAD}, tenths / 10, series)
    for series, hot in ((_HOMOGENEOUS, 0.2), (_HETEROGENEOUS, 0.7))
    for tenths in range(1, 10)
)
_OF_FIG2 = tuple(
    Point("motivating", {"setup": milliseconds / 1000, "proportion_a": share, "spread": _SPREAD}, milliseconds, series)
    for share, series in ((0.6, "p_A = 0.6"), (0.8, "p_A = 0.8"))
    for milliseconds in (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0)
)
_OF_MOTIVATING = (
    "1000 queries/s, windows of 0.1 s, set-up times of 4 ms where they are not varied; the edge's uplink and the "
    f"compute of every node are uniform within ± {100 * _SPREAD:.0f} % around theirs. The paper leaves these out."
)
# With the devices of Table III windows of half a second never bind, nor do uplinks: the clients serve what they must.
# With these parts of their compute, and a set-up as long as a query takes, both do.
_BATCHES = {"batching_window": 0.5, "setup_ratio": 1.0, "client_compute_scale": 0.5, "edge_compute_scale": 0.4}
_OF_BATCHES = (
    "Set-up times ν are those of one query, w/β_e; windows are of 0.5 s where they are not varied. Clients have 0.5 "
    "and edges 0.4 of Table III's compute, so that windows and uplinks bind. The paper does not print ν."
)

EXPERIMENTS: Mapping[str, Experiment] = {
    "table4": Experiment(
        title="Table IV: quality and time of the methods",
        does="quality and time of all methods on taskonomy5, domainnet6 and cityscapes3d",
        points=(Point("taskonomy5"), Point("domainnet6"), Point("cityscapes3d")),
        methods=TABLE_IV,
        kind="table",
    ),
    "fig1": Experiment(
        title="Figure 1: placement and batches over the mix of tasks",
        does="placement and batches over task A's part of the traffic, motivating",
        points=_OF_FIG1,
        methods=("exact-milp", "baj3o"),
        kind="placement",
        axis=Axis("Proportion of task A traffic", "p_A"),
        views=tuple(
            (
                View("accuracy", "Average accuracy", (series,)),
                View("edge_models", "Onloaded at the edge", (series,)),
                View("client_models", "Onloaded at the clients", (series,)),
                View("edge_batches", "Edge batch size", (series,)),
            )
            for series in (_HOMOGENEOUS, _HETEROGENEOUS)
        ),
        settings=_OF_MOTIVATING,
    ),
    "fig2": Experiment(
        title="Figure 2: placement and batches over the set-up cost of m(A)",
        does="placement and batches over the set-up time of m(A), motivating",
        points=_OF_FIG2,
        methods=("exact-milp", "baj3o"),
        kind="placement",
        axis=Axis("Set-up time of m(A) in ms,", "ν"),
        views=tuple(
            (
                View("edge_batches", "Edge batch size", ("p_A = 0.6", "p_A = 0.8"), method),
                View("edge_models", "Onloaded at the edge, p_A = 0.6", ("p_A = 0.6",), method),
            )
            for method in ("exact-milp", "baj3o")
        ),
        settings=_OF_MOTIVATING,
    ),
    "fig3": Experiment(
        title="Figure 3: loss over the iterations",
        does="loss over the iterations of all methods, taskonomy5",
        points=(Point("taskonomy5"),),
        methods=TABLE_IV,
        kind="convergence",
        axis=Axis("Iteration", meaning="outer round"),
        iterations=8,
        # What the last iterations win is small.
        digits=5,
    ),
    "fig4": Experiment(
        title="Figure 4: loss over the offloading budget",
        does="loss over the edges' uplink χₑ, 0.4 to 0.9, taskonomy5",
        points=sweep("taskonomy5", "edge_uplink_fraction", (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
        methods=_WITHOUT_FULL_LOCAL,
        kind="sweep",
        axis=Axis("Edge uplink, as a fraction of the clients' input,", "χₑ"),
    ),
    "fig5": Experiment(
        title="Figure 5: loss over the clients' compute",
        does="loss over the clients' compute χᵦ, 0.3 to 1.0, taskonomy5",
        points=sweep("taskonomy5", "client_compute_scale", (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        methods=_WITHOUT_FULL_LOCAL,
        kind="sweep",
        axis=Axis("Client compute, as a fraction of Table III,", "χᵦ"),
    ),
    "fig6": Experiment(
        title="Figure 6: loss over the clients' heterogeneity, in batches",
        does="loss over the clients' heterogeneity p_client, 0.6 to 1.0, batches, cityscapes3d",
        points=sweep("cityscapes3d", "client_concentration", (0.6, 0.7, 0.8, 0.9, 1.0), _BATCHES),
        methods=("greedy-ao", "opt-ao", "exact-milp", "baj3o", "price-directed"),
        kind="sweep",
        axis=Axis("Concentration of the load over clients", "p_client"),
        from_zero=False,
        digits=4,
        settings=_OF_BATCHES,
    ),
    "fig7": Experiment(
        title="Figure 7: loss over the batching window",
        does="loss over the batching window T_b, 0.5 to 1.0 s, at four uplinks, cityscapes3d",
        points=tuple(
            point
            for uplink in (0.5, 0.6, 0.7, 0.8)
            for point in sweep(
                "cityscapes3d",
                "batching_window",
                (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
                _BATCHES | {"edge_uplink_fraction": uplink},
                f"χₑ = {uplink:g}",
            )
        ),
        methods=("baj3o",),
        kind="sweep",
        axis=Axis("Batching window in s,", "T_b"),
        from_zero=False,
        digits=4,
        settings=_OF_BATCHES,
    ),
}

LISTED = "\n\n".join(f"{name}: {experiment.does}" for name, experiment in EXPERIMENTS.items())
