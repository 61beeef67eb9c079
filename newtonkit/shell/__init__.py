"""The subcommands of the ``newtonkit`` shell command, one module for each."""

__all__: list[str] = []
