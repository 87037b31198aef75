"""How fast a replay goes."""

from dataclasses import dataclass

from petrostream.errors import UsageError


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of data per second of the clock; infinite for as fast as it goes."""

    factor: float

    @classmethod
    def parse(cls, text: str) -> "Speed":
        """Read `60`, `0.5` or `max`.

        Raises
        ------
        UsageError
            If it is neither.
        """
        if text == "max":
            return cls(float("inf"))
        try:
            factor = float(text)
        except ValueError:
            factor = 0.0
        if not 0 < factor < float("inf"):
            raise UsageError(f"{text!r} is neither a positive number nor 'max'")
        return cls(factor)

    def __str__(self) -> str:
        return "max" if self.factor == float("inf") else f"{self.factor:g}"
