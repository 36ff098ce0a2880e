"""Fits the weights of src/retrieval/conclusions/weights.rs to what `guida eval conclusions --evidence FILE` and `guida eval retrieval
--candidates FILE` wrote, and prints them as Rust.

Choice, listwise: over a question's candidates the weighted signs go through a softmax, and the right ones together should have all of it
(Cao et al., ICML 2007). Fitted on the tellers' questions of all topics but those held out.

Whether anything answers, and whether the first candidate is right: logistic regressions over what is known of the first candidate and
of the question. A candidate chosen by weights that know its question would seem surer than it is, so the tellers' questions are chosen
for with weights of other topics. The documents left out of training and the sample's measured questions are added: of these only what
is relevant is known, not what a conclusion must say.

Both once with all signs and once without those that come from comparing tokens (`…_BY_WORDS`).
"""

import argparse
import json
import math
from dataclasses import dataclass

import torch

#: Topics of assets/eval/teller that nothing is fitted on; its README names them.
HELD_OUT = frozenset(
    "agency-business cansunbi duigong-kaihu guashi kongbai-pingzheng mima payroll-bulk-cards shoufei tousu weichengnian zhengxin".split()
)

#: Steps of full-batch Adam over the choice that is printed, and over those that only choose for the topics of another part.
STEPS, CROSS_STEPS = 500, 300
RATE = 0.05
#: Pulls the weights of the choice together, so that signs that go together share what they are worth.
DECAY = 1e-3
#: Parts of the topics; each is chosen for with weights of the others.
FOLDS = 5
#: Signs that are left out of the choice. The first two are `coverage` and `headed` less a number of the question, the next three `stated`,
#: `who` and `papers` turned round; the others have no word of their own: with them, crossed over the topics fitted on, 79.3% of the choices are
#: right where a right candidate is there, without them 79.5%.
REDUNDANT = frozenset(
    "coverage_behind behind_in_all unstated nobody no_papers clause verdict_unasked permits length".split()
)
#: Signs that come from comparing tokens.
OF_TOKENS = frozenset("own own_weakest headed headed_weakest behind_in_clause clause_weakest standing known".split())

#: As `MAX_GAP` in weights.rs.
MAX_GAP = 5.0
#: Numbers of the question, as `Overall` has them; the others are signs of the first candidate.
OF_QUESTION = ("confidence", "gap", "verdict", "other_matter", "throughout")
#: What whether anything answers is told by.
ANSWERED = (
    *OF_QUESTION,
    *"scene clause_weakest own_weakest headed_weakest lexical coverage coverage_behind unstated nobody no_papers other_side preamble".split(),
)
#: What whether the first candidate is right is told by.
RIGHT = (
    *"confidence gap other_matter throughout scene clause_weakest own_weakest headed_weakest behind_in_clause standing lexical".split(),
    *"coverage_behind unstated no_papers nobody other_amount other_side verdict_unasked preamble".split(),
)
#: Strength of the logistic regressions' penalty, as scikit-learn has it: the smaller, the stronger.
C = 0.05
#: Weights of a question of the tellers, over the documents left out, and of the sample. Only over the documents left out has the encoder learned
#: nothing and nobody curated questions, as with a bank's own rules: they count most for whether anything answers. What is right is best known of the
#: tellers' questions; of the others only the clause is, and of the sample curated questions name it.
ANSWERED_COST = (1.0, 2.0, 1.0)
RIGHT_COST = (1.0, 0.5, 0.0)
#: Below this probability that anything answers the card refuses: chosen in view of what is refused of all sets. The printed start is moved so that it
#: falls on the card's threshold.
REFUSE_BELOW, THRESHOLD = 0.66, 0.5
#: What it adds that a follow-up's first candidate is of a document cited before. Not fitted here, for single questions follow none: set on 125
#: follow-ups.
CITED_BEFORE = 0.80
#: As `CONCLUDE` in weights.rs.
CONCLUDE = 0.4
#: Weights below this are not printed.
LEAST_PRINTED = 0.005
#: Keeps a column without variance from being divided by 0.
TINY = 1e-6
#: Log-likelihood of what is not there.
NEVER = -1e9


@dataclass
class Question:
    """A question with its candidates, one row of signs each."""

    topic: str
    answerable: bool
    overall: dict[str, float]
    clauses: list[int]
    right: torch.Tensor
    signs: torch.Tensor


@dataclass
class Rows:
    """One row a question: its numbers, whether anything answers, whether the first candidate is right."""

    numbers: torch.Tensor
    answerable: torch.Tensor
    right: torch.Tensor


def read(lines) -> tuple[list[str], list[Question]]:
    """Names of the signs, and the questions. Left out are those with nothing to choose from, and those that a curated question settles."""
    names: list[str] = []
    questions = []
    for row in map(json.loads, lines):
        candidates = row["candidates"]
        if not candidates or row["settled"] or row["overall"] is None:
            continue
        names = names or list(candidates[0]["signs"])
        signs = torch.tensor([[c["signs"][name] for name in names] for c in candidates], dtype=torch.float64)
        right = torch.tensor([c["right"] for c in candidates])
        clauses = [c["clause"] for c in candidates]
        questions.append(Question(row["topic"], row["answerable"], row["overall"], clauses, right, signs))
    return names, questions


def load(path: str) -> tuple[list[str], list[Question]]:
    """[`read`] of a file."""
    with open(path, encoding="utf-8") as lines:
        return read(lines)


def fit_choice(questions: list[Question], used: torch.Tensor, steps: int = STEPS) -> torch.Tensor:
    """Weights of the signs that `used` marks, 0 elsewhere, on the questions with a right candidate."""
    questions = [question for question in questions if question.right.any()]
    longest = max(len(question.right) for question in questions)
    signs = torch.zeros(len(questions), longest, int(used.sum()), dtype=torch.float64)
    there = torch.zeros(len(questions), longest, dtype=torch.bool)
    right = torch.zeros(len(questions), longest, dtype=torch.bool)
    for n, question in enumerate(questions):
        signs[n, : len(question.right)] = question.signs[:, used]
        there[n, : len(question.right)] = True
        right[n, : len(question.right)] = question.right
    weights = torch.zeros(signs.shape[2], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=RATE)
    for _ in range(steps):
        optimizer.zero_grad()
        each = torch.log_softmax((signs @ weights).masked_fill(~there, NEVER), 1).masked_fill(~right, NEVER)
        loss = -torch.logsumexp(each, 1).mean() + DECAY * (weights**2).sum()
        loss.backward()
        optimizer.step()
    out = torch.zeros(len(used), dtype=torch.float64)
    out[used] = weights.detach()
    return out


def first(question: Question, weights: torch.Tensor) -> tuple[int, float]:
    """The best candidate, and how far the best of another clause is behind it."""
    scores = (question.signs @ weights).tolist()
    best = max(range(len(scores)), key=scores.__getitem__)
    other = [scores[best] - s for s, clause in zip(scores, question.clauses) if clause != question.clauses[best]]
    return best, min([*other, MAX_GAP])


def rows(questions: list[Question], names: list[str], weights: torch.Tensor) -> Rows:
    """What is known of each question and its first candidate: [`OF_QUESTION`], then all signs."""
    numbers, right = [], []
    for question in questions:
        best, gap = first(question, weights)
        of_question = [gap if name == "gap" else question.overall[name] for name in OF_QUESTION]
        numbers.append([*of_question, *question.signs[best].tolist()])
        right.append(bool(question.right[best]))
    return Rows(
        torch.tensor(numbers, dtype=torch.float64).reshape(len(numbers), len(OF_QUESTION) + len(names)),
        torch.tensor([question.answerable for question in questions]),
        torch.tensor(right),
    )


def joined(parts: list[Rows]) -> Rows:
    """The rows of all parts."""
    return Rows(*(torch.cat([getattr(part, name) for part in parts]) for name in ("numbers", "answerable", "right")))


def folds(questions: list[Question]) -> list[tuple[list[Question], list[Question]]]:
    """For each part of the topics the questions of the other topics, and its own."""
    topics = sorted({question.topic for question in questions})
    parts = [set(topics[n::FOLDS]) for n in range(min(FOLDS, len(topics)))]
    return [([q for q in questions if q.topic not in part], [q for q in questions if q.topic in part]) for part in parts]


def logistic(numbers: torch.Tensor, labels: torch.Tensor, cost: torch.Tensor) -> tuple[list[float], float]:
    """Weights of the numbers and the start: what scikit-learn's LogisticRegression with this [`C`] and these sample weights gives for
    standardised numbers, brought back to the numbers as they are."""
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0) + TINY
    standard = (numbers - mean) / deviation
    weights = torch.zeros(numbers.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=1000, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss():
        optimizer.zero_grad()
        logits = standard @ weights[:-1] + weights[-1]
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.double(), cost, reduction="sum")
        value = C * each + (weights[:-1] ** 2).sum() / 2
        value.backward()
        return value

    optimizer.step(loss)
    raw = weights[:-1].detach() / deviation
    return raw.tolist(), float(weights[-1].detach() - raw @ mean)


def auc(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """How often a row with the label has a higher score than one without; equal ones count half. Not a number where either is missing."""
    yes, no = scores[labels], scores[~labels]
    if not len(yes) or not len(no):
        return math.nan
    return ((yes[:, None] > no).double() + 0.5 * (yes[:, None] == no).double()).mean().item()


def moved(start: float) -> float:
    """The start with which [`REFUSE_BELOW`] falls on [`THRESHOLD`]."""
    log_odds = lambda p: math.log(p / (1 - p))
    return start - (log_odds(REFUSE_BELOW) - log_odds(THRESHOLD))


def rust(name: str, kind: str, weights: dict[str, float]) -> str:
    """A constant as weights.rs has it."""
    lines = [f"    {sign}: {weight:.2f}," for sign, weight in weights.items() if abs(weight) >= LEAST_PRINTED]
    return "\n".join([f"pub const {name}: {kind} = {kind} {{", *lines, f"    ..{kind}::NONE", "};"])


@dataclass
class Regression:
    """A fitted logistic regression over [`Rows`]."""

    weights: dict[str, float]
    start: float
    columns: list[int]

    def probability(self, of: Rows) -> torch.Tensor:
        """Of every row."""
        weights = torch.tensor(list(self.weights.values()), dtype=torch.float64)
        return torch.sigmoid(of.numbers[:, self.columns] @ weights + self.start)


def regress(parts: list[Rows], labels: str, costs: tuple[float, ...], wanted: list[str], names: list[str]) -> Regression:
    """Fits over rows of several sources, each with its weight."""
    columns = [[*OF_QUESTION, *names].index(name) for name in wanted]
    cost = torch.cat([torch.full((len(part.right),), cost, dtype=torch.float64) for part, cost in zip(parts, costs)])
    whole = joined(parts)
    weights, start = logistic(whole.numbers[:, columns], getattr(whole, labels), cost)
    return Regression(dict(zip(wanted, weights)), start, columns)


def chosen_right(questions: list[Question], weights: torch.Tensor) -> str:
    """Of the answerable questions: how often the choice is right."""
    asked = [question for question in questions if question.answerable]
    possible = sum(bool(question.right.any()) for question in asked)
    right = sum(bool(question.right[first(question, weights)[0]]) for question in asked)
    counted = f"{len(asked)} answerable, {possible} with a right candidate"
    return f"{counted}, chosen right {share(right, len(asked))} of all, {share(right, possible)} of these"


def share(count: int, of: int) -> str:
    """Three digits, or a dash."""
    return f"{count / of:.3f}" if of else "-"


def refused(probability: torch.Tensor, answerable: torch.Tensor, below: float) -> str:
    """Of the answerable and the unanswerable, what is refused."""
    count = lambda of: share(int((probability[of] < below).sum()), int(of.sum()))
    return f"refused of the answerable {count(answerable)}, rightly of the unanswerable {count(~answerable)}"


def concluded(answered: torch.Tensor, right: torch.Tensor, of: Rows) -> str:
    """What becomes of the answerable: refused, pointed to the clauses, concluded right or not."""
    passed = of.answerable & (answered >= REFUSE_BELOW)
    concludes = passed & (right >= CONCLUDE)
    whole, count, pointed = int(of.answerable.sum()), int(concludes.sum()), int((passed & ~concludes).sum())
    good = int((concludes & of.right).sum())
    told = (share(good, whole), share(count - good, whole), share(pointed, whole))
    return "of the answerable concluded right {}, not right {}, pointed {}".format(*told)


def fitted(fit: list[Question], others: tuple[list[Question], list[Question]], measured, names: list[str], by_words: bool) -> None:
    """Fits, prints the figures of `measured` (name, questions, whether their right conclusions are known) and then the constants."""
    without = REDUNDANT | (OF_TOKENS if by_words else frozenset())
    used = torch.tensor([name not in without for name in names])
    suffix = "_BY_WORDS" if by_words else ""
    choice = fit_choice([question for question in fit if question.answerable], used)
    for name, questions, known in measured:
        if known:
            print(f"choice{suffix}, {name}: {chosen_right(questions, choice)}")
    crossed = []
    for rest, own in folds(fit):
        other = fit_choice([question for question in rest if question.answerable], used, CROSS_STEPS)
        crossed.append(rows(own, names, other))
    parts = [joined(crossed), *(rows(questions, names, choice) for questions in others)]
    pick = lambda wanted: [name for name in wanted if not by_words or name not in OF_TOKENS]
    answered = regress(parts, "answerable", ANSWERED_COST, pick(ANSWERED), names)
    right = regress(parts, "right", RIGHT_COST, pick(RIGHT), names)
    for name, questions, known in measured:
        of = rows(questions, names, choice)
        answers, is_right = answered.probability(of), right.probability(of)
        print(f"{name}{suffix}: AUC answered {auc(answers, of.answerable):.3f}; {refused(answers, of.answerable, REFUSE_BELOW)}")
        if known:
            print(f"  AUC right {auc(is_right, of.right):.3f}; {concluded(answers, is_right, of)}")
    print()
    print(rust(f"CHOICE{suffix}", "Signs", dict(zip(names, choice.tolist()))))
    if not by_words:
        print(rust("ANSWERED", "Overall", {"start": moved(answered.start), **answered.weights, "cited_before": CITED_BEFORE}))
    print(rust(f"RIGHT{suffix}", "Overall", {"start": right.start, **right.weights}))
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teller", help="of `guida eval conclusions --questions assets/eval/teller --evidence`")
    parser.add_argument("--left-out", required=True, help="of `guida eval retrieval --candidates` over the documents left out of training")
    parser.add_argument("--sample", required=True, help="of the same over the sample rulebook's measured questions")
    parser.add_argument("--only-measured", nargs="*", default=[], help="files that nothing is fitted on, like the first")
    args = parser.parse_args()
    names, teller = load(args.teller)
    files = {path: load(path) for path in (args.left_out, args.sample, *args.only_measured)}
    for path, (others, _) in files.items():
        if others != names:
            raise SystemExit(f"{path} has other signs than {args.teller}: write all files with one program")
    fit = [question for question in teller if question.topic not in HELD_OUT]
    held_out = [question for question in teller if question.topic in HELD_OUT]
    left_out, sample = files[args.left_out][1], files[args.sample][1]
    measured = [
        (f"{len({q.topic for q in fit})} topics fitted on", fit, True),
        (f"{len({q.topic for q in held_out})} topics held out", held_out, True),
        ("documents left out", left_out, False),
        ("sample", sample, False),
        *((path, files[path][1], True) for path in args.only_measured),
    ]
    for by_words in (False, True):
        fitted(fit, (left_out, sample), measured, names, by_words)


if __name__ == "__main__":
    main()
