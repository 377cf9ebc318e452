"""What pruning costs and gains, measured beside what else there is.

```
catalog.py  the suites by name, each with the flags that it takes
cli.py      runs one of them
suites/     what is measured, and its tables and plots
cases/      what it is measured on: layers, shapes of layers, whole models
engines/    other programs that run the same, each in a process of its own
harness/    calls in turn, ratios of their times, tables
```
"""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]  # Of the repository.
