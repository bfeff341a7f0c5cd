"""Pages, Markdown, CSV and tables made from results; `mpbench.report.write` makes all."""

__all__ = ()
