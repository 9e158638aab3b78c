"""Names of tasks, models, clients and edges."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Names:
    """Names of the positions of a scenario's axes; static, so never traced."""

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    clients: tuple[str, ...]
    edges: tuple[str, ...]
    deployment: str | None = None
    """What the whole is called, if anything."""

    @classmethod
    def numbered(cls, *, tasks: int, models: int, clients: int, edges: int) -> "Names":
        """Names for a scenario that came without: ``task 0``, ``task 1`` and so on."""

        def count(word: str, size: int) -> tuple[str, ...]:
            return tuple(f"{word} {index}" for index in range(size))

        return cls(
            tasks=count("task", tasks),
            models=count("model", models),
            clients=count("client", clients),
            edges=count("edge", edges),
        )
