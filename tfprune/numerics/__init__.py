"""Arrays in, arrays out: transforms, decompositions, forces."""
