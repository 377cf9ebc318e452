"""From a pruned model to a smaller one."""
