"""The table of a smaller sentence encoder, of a small one."""

from benchmarks.cases import sentence_encoder
from benchmarks.cases import token_nets
from benchmarks.engines import client
from benchmarks.harness import inprocess
from benchmarks.suites import sentence_speed
from tests.benchmarks.suites import filter_speed_test
from tests.benchmarks.suites import models_test
from tests.benchmarks.suites import tokens_test


def test_each_length_and_share_is_a_row(monkeypatch):
    monkeypatch.setattr(inprocess, "set_threads", lambda count: None)
    monkeypatch.setattr(sentence_encoder, "untrained", tokens_test.small)
    monkeypatch.setattr(sentence_speed, "LENGTHS", (3, 5))
    cases = {"one of two heads": {"multi_head_attention/num_heads": 0.5}}
    few = filter_speed_test.Keras()
    rows = models_test.table(sentence_speed.run(few, 1, 5, cases))
    assert [row["tokens"] for row in rows] == ["3", "5"]
    # Of each of 4 projections of 16 x 16 half goes, of a layer of 16 x 4 none.
    assert {row["MACs"] for row in rows} == {f"{1088 / 576:.2f}x"}
    words = token_nets.WORDS * 16
    whole, half = (words + 4 * 256 + 64 + 68, words + 512 + 40 + 68)
    assert {row["parameters"] for row in rows} == {f"{whole / half:.2f}x"}
    assert all(float(row[client.TENSORFLOW][:-1]) > 0 for row in rows)
