"""Fits the weights of src/retrieval/confidence.rs to what `guida eval retrieval --details FILE` wrote.

Logistic regression: does a relevant clause stand among the first five, as many as a card cites? Questions without an answer in
the rules weigh more: a wrong answer costs more than a question passed on. Only documents and questions that the encoder has not learned
from tell what its judgement is worth, so several files of such are given, each of the same weight; `--without encoder` and another
`--embedder` give the weights for those cases. Reported are refusals with weights fitted on the other questions, printed the weights fitted on all.
"""

import argparse
import json

import torch

NAMES = ["coverage", "strength", "margin", "other_matter", "alone", "meaning", "asked", "answers", "weakest", "unstated"]
#: Features that may only speak for an answer, and those that may only speak against one: what else the fit finds is chance.
FOR = {"coverage", "strength", "margin", "meaning", "asked", "answers", "weakest"}
#: Weight of a question that must be refused.
UNANSWERABLE = 2.0
#: As confidence.rs: one word in common counts only with this coverage; clauses that count as answering.
LONE_WORD_COVERAGE, WITHIN = 0.6, 5
#: Share of the unanswerable questions that must be refused.
RIGHTLY_REFUSED = 0.85
PARTS = 10
DECAY = 3e-3
STEPS = 200


def load(path: str):
    """Features, labels and whether a question can be answered at all."""
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]

    def numbers(f) -> list[float]:
        lone = f["words"] == 0 or (f["words"] == 1 and f["coverage"] < LONE_WORD_COVERAGE)
        return [float(lone) if name == "alone" else float(f[name] or 0.0) for name in NAMES]

    features = torch.tensor([numbers(row["features"]) for row in rows])
    found = torch.tensor([any(r is not None and r < WITHIN for r in row["ranks"]) for row in rows])
    answerable = torch.tensor([bool(row["ranks"]) for row in rows])
    return features, found, answerable


def fit(features, found, answerable, share) -> torch.Tensor:
    """Weights, the intercept last; of the wrong sign none."""
    sign = torch.tensor([1.0 if name in FOR else -1.0 for name in NAMES])
    raw = torch.full((len(NAMES) + 1,), -1.0).requires_grad_(True)
    cost = share * torch.where(answerable, 1.0, UNANSWERABLE)
    optimizer = torch.optim.LBFGS([raw], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        weights = torch.nn.functional.softplus(raw[:-1]) * sign
        logits = features @ weights + raw[-1]
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, found.float(), cost, reduction="sum")
        value = each / cost.sum() + DECAY * (weights**2).sum() / 10
        value.backward()
        return value

    optimizer.step(loss)
    return torch.cat([torch.nn.functional.softplus(raw[:-1]) * sign, raw[-1:]]).detach()


def estimate(weights, features):
    """Confidence of every question."""
    return torch.sigmoid(features @ weights[:-1] + weights[-1])


def told(confidence, answerable) -> str:
    """Refusals at the threshold that refuses the wanted share of the unanswerable, and at round ones; the AUC."""
    a, u = confidence[answerable], confidence[~answerable]
    if not len(u):
        return f"{len(a)} answerable, refused at 0.5: {(a < 0.5).float().mean().item():.3f}"
    threshold = u.sort().values[min(len(u) - 1, int(len(u) * RIGHTLY_REFUSED))].item()
    wrong = lambda t: f"{(u < t).float().mean().item():.3f}/{(a < t).float().mean().item():.3f}"
    auc = ((a[:, None] > u).float() + 0.5 * (a[:, None] == u).float()).mean().item()
    return f"AUC {auc:.3f}; rightly/wrongly refused at {threshold:.2f} {wrong(threshold + 1e-6)}, at 0.4 {wrong(0.4)}, at 0.5 {wrong(0.5)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("details", nargs="+")
    args = parser.parse_args()
    files = [load(path) for path in args.details]
    features, found, answerable = (torch.cat(parts) for parts in zip(*files))
    file = torch.cat([torch.full((len(f[0]),), n) for n, f in enumerate(files)])
    share = torch.cat([torch.full((len(f[0]),), 1.0 / len(f[0]) ** 0.5) for f in files])
    part = torch.arange(len(features)) % PARTS
    crossed = torch.zeros(len(features))
    for n in range(PARTS):
        rest = part != n
        weights = fit(features[rest], found[rest], answerable[rest], share[rest])
        crossed[~rest] = estimate(weights, features[~rest])
    for n, path in enumerate(args.details):
        print(path, "crossed:", told(crossed[file == n], answerable[file == n]))
        if len(files) > 1:
            rest = file != n
            other = estimate(fit(features[rest], found[rest], answerable[rest], share[rest]), features[~rest])
            print("  fitted on the other files:", told(other, answerable[~rest]))
    weights = fit(features, found, answerable, share)
    print({name: round(value, 2) for name, value in zip([*NAMES, "intercept"], weights.tolist())})


if __name__ == "__main__":
    main()
