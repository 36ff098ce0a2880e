"""What guida_train.conclusions computes, on small examples."""

import json
import math
import unittest

import torch

from guida_train import conclusions as c
from guida_train.paths import ASSETS


def question(signs, right, topic="a", clauses=None, answerable=True) -> c.Question:
    """A question whose candidates stand in clauses of their own unless they are named."""
    overall = {"confidence": 0.5, "gap": 9.0, "verdict": 1.0, "other_matter": 0.0, "throughout": 1.0}
    clauses = clauses or list(range(len(right)))
    return c.Question(topic, answerable, overall, clauses, torch.tensor(right), torch.tensor(signs, dtype=torch.float64))


class Reading(unittest.TestCase):
    def line(self, **changed) -> str:
        candidate = {"clause": 7, "right": True, "signs": {"scene": 1.0, "rank": -0.5}}
        row = {"id": "a-1", "topic": "a", "answerable": True, "settled": False, "overall": {"gap": 1.0}, "candidates": [candidate]}
        return json.dumps({**row, **changed})

    def test_what_has_nothing_to_choose_is_left_out(self):
        lines = [self.line(), self.line(settled=True), self.line(candidates=[]), self.line(overall=None)]
        names, questions = c.read(lines)
        self.assertEqual(names, ["scene", "rank"])
        self.assertEqual(len(questions), 1)
        self.assertEqual(questions[0].signs.tolist(), [[1.0, -0.5]])

    def test_the_topics_held_out_are_those_of_the_readme_and_have_questions(self):
        folder = ASSETS / "eval" / "teller"
        told = (folder / "README.md").read_text(encoding="utf-8").split("Nothing is ever fitted on eleven topics")[1]
        words = set(told.replace(",", " ").replace(".", " ").split())
        self.assertEqual(len(c.HELD_OUT), 11)
        self.assertLessEqual(c.HELD_OUT, words)
        self.assertLessEqual(c.HELD_OUT, {file.stem for file in folder.glob("*.jsonl")})


class Choosing(unittest.TestCase):
    def test_the_sign_of_the_right_candidates_gets_the_weight_and_a_masked_one_none(self):
        asked = [question([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], [True, False]), question([[0.0, 0.3, 0.0]], [False])]
        weights = c.fit_choice(asked, torch.tensor([True, True, False]), 100)
        self.assertGreater(weights[0].item(), 0.5)
        self.assertAlmostEqual(weights[0].item(), -weights[1].item(), places=6)
        self.assertEqual(weights[2].item(), 0.0)

    def test_several_right_candidates_share_the_likelihood(self):
        asked = [question([[1.0], [-1.0]], [True, True]), question([[1.0], [0.0], [0.0]], [True, False, False])]
        alone = c.fit_choice(asked[1:], torch.tensor([True]), 50)
        self.assertTrue(torch.allclose(c.fit_choice(asked, torch.tensor([True]), 50), alone, atol=0.1))

    def test_the_gap_is_to_another_clause_and_bounded(self):
        weights = torch.tensor([1.0], dtype=torch.float64)
        self.assertEqual(c.first(question([[1.0], [3.0], [2.5]], [False] * 3, clauses=[1, 2, 2]), weights), (1, 2.0))
        self.assertEqual(c.first(question([[1.0], [0.0]], [True] * 2, clauses=[1, 1]), weights), (0, c.MAX_GAP))
        self.assertEqual(c.first(question([[9.0], [0.0]], [True] * 2), weights), (0, c.MAX_GAP))

    def test_a_row_has_what_is_known_of_the_question_and_the_signs_of_the_first(self):
        asked = [question([[0.0, 0.2], [2.0, 0.4]], [False, True])]
        row = c.rows(asked, ["scene", "lexical"], torch.tensor([1.0, 0.0], dtype=torch.float64))
        self.assertEqual(row.numbers.tolist(), [[0.5, 2.0, 1.0, 0.0, 1.0, 2.0, 0.4]])
        self.assertEqual((row.right.tolist(), row.answerable.tolist()), ([True], [True]))

    def test_every_topic_is_asked_once_with_weights_of_others(self):
        asked = [question([[1.0]], [True], topic) for topic in "abcdefg" for _ in range(2)]
        parts = c.folds(asked)
        self.assertEqual(len(parts), c.FOLDS)
        self.assertEqual(sum(len(own) for _, own in parts), len(asked))
        for rest, own in parts:
            self.assertFalse({q.topic for q in rest} & {q.topic for q in own})
            self.assertEqual(len(rest) + len(own), len(asked))


class Regressing(unittest.TestCase):
    def test_the_fit_is_the_minimum_of_the_penalised_likelihood(self):
        torch.manual_seed(1)
        numbers = torch.randn(80, 3, dtype=torch.float64) * torch.tensor([1.0, 5.0, 0.1]) + 2.0
        labels = torch.sigmoid(numbers @ torch.tensor([1.0, -0.2, 3.0], dtype=torch.float64) - 8.0) > torch.rand(80)
        cost = torch.where(torch.arange(80) < 40, 2.0, 0.5).double()
        weights, start = c.logistic(numbers, labels, cost)
        weights = torch.tensor(weights, dtype=torch.float64)
        error = cost * (torch.sigmoid(numbers @ weights + start) - labels.double())
        deviation = numbers.std(0, correction=0) + c.TINY
        standard = (numbers - numbers.mean(0)) / deviation
        slope = c.C * (error[:, None] * standard).sum(0) + weights * deviation
        self.assertLess(slope.abs().max().item(), 1e-6)
        self.assertLess(error.sum().abs().item(), 1e-6)

    def test_rows_without_weight_count_for_nothing_but_the_scale(self):
        numbers = torch.tensor([[0.0], [1.0], [0.0], [1.0]], dtype=torch.float64)
        labels = torch.tensor([False, True, True, False])
        weights, _ = c.logistic(numbers, labels, torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64))
        self.assertGreater(weights[0], 0.0)

    def test_auc_counts_equal_scores_half(self):
        scores = torch.tensor([0.9, 0.5, 0.5, 0.1])
        self.assertEqual(c.auc(scores, torch.tensor([True, True, False, False])), 0.875)
        self.assertTrue(math.isnan(c.auc(scores, torch.ones(4, dtype=torch.bool))))

    def test_the_start_is_moved_so_that_what_was_refused_falls_below_the_threshold(self):
        log_odds = math.log(c.REFUSE_BELOW / (1 - c.REFUSE_BELOW))
        self.assertAlmostEqual(1 / (1 + math.exp(-(log_odds + c.moved(0.0)))), c.THRESHOLD)


class Telling(unittest.TestCase):
    def test_constants_are_rust(self):
        told = c.rust("CHOICE", "Signs", {"scene": -0.444, "rank": 0.001, "first": 2.0})
        self.assertEqual(told, "pub const CHOICE: Signs = Signs {\n    scene: -0.44,\n    first: 2.00,\n    ..Signs::NONE\n};")

    def test_what_becomes_of_the_answerable_adds_up(self):
        of = c.Rows(torch.zeros(5, 1), torch.tensor([True, True, True, True, False]), torch.tensor([True, False, True, True, False]))
        answered, right = torch.tensor([0.9, 0.9, 0.9, 0.1, 0.9]), torch.tensor([0.9, 0.9, 0.1, 0.9, 0.9])
        told = c.concluded(answered, right, of)
        self.assertEqual(told, "of the answerable concluded right 0.250, not right 0.250, pointed 0.250")
        told = c.refused(answered, of.answerable, 0.5)
        self.assertEqual(told, "refused of the answerable 0.250, rightly of the unanswerable 0.000")


if __name__ == "__main__":
    unittest.main()
