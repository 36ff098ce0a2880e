"""Fits the weights of src/retrieval/confidence.rs to what `guida eval retrieval --details FILE` wrote.

Logistic regression: does a relevant clause stand among the first five, as many as a card cites? Questions without an answer in
the rules weigh threefold: a wrong answer costs more than a question passed on. Reported are the refusals with weights fitted on the other
questions (ten parts), printed the weights fitted on all.
"""

import argparse
import json

import torch

NAMES = ["coverage", "strength", "margin", "known", "other_matter", "meaning", "asked"]
#: Weight of a question that must be refused.
UNANSWERABLE = 3.0
#: As confidence.rs: refused below this; one word in common counts only with this coverage; clauses that count as answering.
THRESHOLD, LONE_WORD_COVERAGE, WITHIN = 0.55, 0.6, 5
PARTS = 10
DECAY = 3e-3


def load(path: str):
    """Features, labels, whether a question can be answered at all, and whether too few words are shared for any answer."""
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    features = torch.tensor([[float(row["features"][name] or 0.0) for name in NAMES] for row in rows])
    found = torch.tensor([any(r is not None and r < WITHIN for r in row["ranks"]) for row in rows])
    answerable = torch.tensor([bool(row["ranks"]) for row in rows])
    lone = torch.tensor(
        [f["words"] == 0 or (f["words"] == 1 and f["coverage"] < LONE_WORD_COVERAGE) for f in (r["features"] for r in rows)]
    )
    return features, found, answerable, lone


def fit(features, found, answerable) -> torch.Tensor:
    """Weights, the intercept last."""
    x = torch.cat([features, torch.ones(len(features), 1)], 1)
    weights = torch.zeros(x.shape[1], requires_grad=True)
    cost = torch.where(answerable, 1.0, UNANSWERABLE)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        each = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights, found.float(), cost, reduction="sum")
        value = each / cost.sum() + DECAY * (weights[:-1] ** 2).sum() / 10
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()


def estimate(weights, features, lone):
    """Confidence of every question."""
    return torch.where(lone, torch.zeros(len(features)), torch.sigmoid(features @ weights[:-1] + weights[-1]))


def told(confidence, answerable, threshold: float) -> str:
    refused = confidence < threshold
    right = refused[~answerable].float().mean().item()
    wrong = refused[answerable].float().mean().item()
    return f"right refusals {right:.3f}, wrong refusals {wrong:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("details")
    args = parser.parse_args()
    features, found, answerable, lone = load(args.details)
    part = torch.arange(len(features)) % PARTS
    crossed = torch.zeros(len(features))
    for n in range(PARTS):
        rest = part != n
        weights = fit(features[rest], found[rest], answerable[rest])
        crossed[~rest] = estimate(weights, features[~rest], lone[~rest])
    weights = fit(features, found, answerable)
    whole = estimate(weights, features, lone)
    for threshold in (0.45, 0.5, THRESHOLD, 0.6, 0.65):
        print(threshold, "crossed:", told(crossed, answerable, threshold), "| all:", told(whole, answerable, threshold))
    print({name: round(value, 2) for name, value in zip([*NAMES, "intercept"], weights.tolist())})


if __name__ == "__main__":
    main()
