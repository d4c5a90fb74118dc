import numpy as np

from ml.embedding import CustomerEmbedding


def embedding_of(*core_ids: str) -> CustomerEmbedding:
    return CustomerEmbedding.of(np.array(core_ids), size=2)


def test_a_customer_who_was_never_trained_has_the_zero_vector():
    embedding = embedding_of("a", "b")
    embedding.vectors[:] = [[1, 2], [3, 4]]

    vectors = embedding.look_up(embedding.rows_of(np.array(["b", "0", "aa", "z"])))

    assert vectors.tolist() == [[3, 4], [0, 0], [0, 0], [0, 0]]


def test_nobody_is_known_to_an_empty_embedding():
    assert embedding_of().rows_of(np.array(["a", "b"])).tolist() == [-1, -1]


def test_only_the_customers_of_a_step_change():
    embedding = embedding_of("a", "b", "c")

    embedding.update(np.array([1]), np.array([[1.0, -2.0]]), rate=0.5, pull=0.0)

    assert embedding.vectors.tolist() == [[0, 0], [-0.5, 1], [0, 0]]


def test_a_customer_who_is_in_a_step_twice_learns_from_both_rows():
    embedding = embedding_of("a")

    embedding.update(np.array([0, -1, 0]), np.array([[1.0, 0.0], [9.0, 9.0], [2.0, 1.0]]), rate=1.0, pull=0.0)

    assert embedding.vectors.tolist() == [[-3, -1]]


def test_the_pull_draws_back_to_zero():
    embedding = embedding_of("a")
    embedding.vectors[:] = [[1, -1]]

    embedding.update(np.array([0]), np.zeros((1, 2)), rate=0.5, pull=0.5)

    assert embedding.vectors.tolist() == [[0.75, -0.75]]
