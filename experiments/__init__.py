"""Runs of configs, as the scripts call them.

```
training.py    every stage of every seed, resumed where it stopped
stages.py      how a model changes where a stage begins
loop.py        the training of one stage
solvers.py     optimizers and learning rates of configs
evaluation.py  what a trained model is worth
workdir.py     the files of a run; checkpoints.py, logging.py
datasets/      splits of images, by name
```
"""
