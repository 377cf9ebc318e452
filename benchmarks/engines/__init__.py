"""Programs that run layers and nets, each in a process of its own."""
