"""What errors of Spark's say."""


def came_from(problem: Exception) -> str:
    """What the first of the errors that led to this one says, without where in Java."""
    cause = getattr(problem, "_origin", None) or getattr(problem, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    return str(problem if cause is None else cause.getMessage()).split("\n\tat ")[0]
