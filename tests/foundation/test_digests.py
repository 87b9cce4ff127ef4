"""Digests of content."""

from convstudy.foundation import digests


def test_canonical_text_ignores_the_order_of_keys():
    one, two = {"a": 1, "b": {"c": [1, 2], "d": None}}, {"b": {"d": None, "c": [1, 2]}, "a": 1}
    assert digests.canonical(one) == digests.canonical(two)
    assert digests.canonical(one) != digests.canonical({"a": 1, "b": {"c": [2, 1], "d": None}})


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes("ä\n".encode())
    assert digests.of_file(path) == digests.of_text("ä\n")
