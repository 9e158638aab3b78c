"""Schemas of the settings of methods in files, by which the registry names them."""

from typing import Annotated, Any, Literal

from pydantic import Field

import j3o_jax

from ..io.documents import Part

# All of them may be left out, which is None here.
Count = Annotated[int | None, Field(ge=1, le=10**9, description="a whole number of at least 1")]
CountOrZero = Annotated[int | None, Field(ge=0, le=10**9, description="a whole number of at least 0")]
Seconds = Annotated[float | None, Field(gt=0.0, le=1e9, description="a number of seconds above 0")]
Gap = Annotated[float | None, Field(ge=0.0, le=1e3, description="a number of at least 0, such as 1e-4")]
Positive = Annotated[float | None, Field(gt=0.0, le=1e9, description="a number above 0")]
Solver = Annotated[
    Literal["hierarchical", "highs", "clarabel"] | None, Field(description="'hierarchical', 'highs' or 'clarabel'")
]


Starts = Annotated[
    list[Literal["paper", "local", "all", "both"]] | None,
    Field(min_length=1, description="a list of 'paper', 'local', 'all' and 'both'"),
]


class Settings(Part):
    """Settings of one method; what is None is left at the method's own default."""

    time_limit: Seconds = None

    def arguments(self) -> dict[str, Any]:
        """Arguments of the method's class."""
        return {name: value for name, value in self.given().items() if name != "lp"} | self._lp()

    def given(self) -> dict[str, Any]:
        """Return the settings that are not at the method's default, in a fixed order."""
        return {name: value for name, value in self if value is not None}

    def problem(self) -> tuple[str, str] | None:
        """Return the key of a setting that does not go with the others, and what is wrong with it."""
        return None

    def _lp(self) -> dict[str, Any]:
        lp = getattr(self, "lp", None)
        if lp is None:
            return {}
        return {"lp": j3o_jax.HierarchicalLP() if lp == "hierarchical" else j3o_jax.CvxpyLP(solver=lp.upper())}


class J3OSettings(Settings):
    """Settings of `J3O` and `BAJ3O`; see `Subgradient` for those of the multipliers."""

    max_iterations: Count = None
    tolerance: Gap = None
    greedy: Annotated[Literal["plus_max", "paper"] | None, Field(description="'plus_max' or 'paper'")] = None
    surrogate: Annotated[Literal["log"] | None, Field(description="'log', or leave it out")] = None
    surrogate_width: Positive = None
    activations: CountOrZero = None
    starts: Starts = None
    lp: Solver = None
    multiplier: Annotated[
        Literal["dual_search", "subgradient"] | None, Field(description="'dual_search' or 'subgradient'")
    ] = None
    step_size: Positive = None
    steps: Count = None
    schedule: Annotated[
        Literal["inverse_square_root", "inverse", "constant", "cosine"] | None,
        Field(description="'inverse_square_root', 'inverse', 'constant' or 'cosine'"),
    ] = None
    update: Annotated[Literal["subgradient", "adam"] | None, Field(description="'subgradient' or 'adam'")] = None

    def arguments(self) -> dict[str, Any]:
        """See `Settings`."""
        own = super().arguments()
        kind = own.pop("multiplier", None)
        moves = {name: own.pop(name) for name in ("step_size", "steps", "schedule", "update") if name in own}
        if kind == "subgradient" or (kind is None and moves.keys() - {"steps"}):
            own["multiplier"] = j3o_jax.Subgradient(**moves)
        elif moves:
            own["multiplier"] = j3o_jax.DualSearch(**moves)
        return own

    def problem(self) -> tuple[str, str] | None:
        """Return the key of a setting that does not go with the others, and what is wrong with it."""
        if self.multiplier == "dual_search":
            for name in ("step_size", "schedule", "update"):
                if getattr(self, name) is not None:
                    return name, "is of the subgradient, and the multiplier is dual_search: leave one of them out"
        if self.surrogate is not None and self.lp not in (None, "hierarchical"):
            return "surrogate", "needs lp: hierarchical"
        return None


class PriceDirectedSettings(Settings):
    """Settings of `PriceDirected`."""

    gap: Gap = None
    max_iterations: Count = None
    exchanges: Count = None
    patience: Count = None
    bound_tolerance: Gap = None
    bound_iterations: Count = None
    descent_steps: CountOrZero = None
    descent_schedule: Positive = None
    activations: CountOrZero = None


class ProvingSettings(Settings):
    """Settings of `Auto`, and of what else ends at a proven gap."""

    gap: Gap = None


class ExactMILPSettings(ProvingSettings):
    """Settings of `ExactMILP`."""

    threads: Count = None


class BilinearMINLPSettings(ProvingSettings):
    """Settings of `BilinearMINLP`."""

    solver: Annotated[Literal["highs", "scip"] | None, Field(description="'highs' or 'scip'")] = None


class AlternatingSettings(Settings):
    """Settings of `GreedyAO`, `RandAO` and `OptAO`."""

    max_iterations: Count = None
    tolerance: Gap = None
    lp: Solver = None
