"""Encodes sentences by the encoder's own runtime: for a Python that has it.

    python -m benchmarks.engines.sentence_runtime FOLDER LENGTH

It takes a JSON list of sentences, and gives one of their embeddings. FOLDER is
that of the model's files, LENGTH how many tokens of a sentence count. It needs
sentence-transformers, and imports nothing of this package.
"""

import json
import sys


def main(folder, length):
    """Answers the standard input on the standard output."""
    import sentence_transformers

    model = sentence_transformers.SentenceTransformer(folder, device="cpu")
    model.max_seq_length = length
    found = model.encode(json.load(sys.stdin), normalize_embeddings=True)
    json.dump(found.tolist(), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
