"""Fits the weights of src/retrieval/fusion.rs to what `guida eval retrieval --evidence FILE` wrote over documents left out of training.

Listwise: over a question's candidates the weighted sums go through a softmax, and the relevant candidates should share it among
them (Cao et al., ICML 2007). Reported are recall, nDCG and MRR with weights fitted on the other folds; printed are the weights
fitted on all.

Two sets of weights: for the first clauses, whose tokens were compared with the question's, and for all of them before that.
"""

import argparse
import json
import math

import torch

#: Pulls the weights together a little; the figures hardly depend on it.
DECAY = 1e-4
STEPS = 400
#: Clauses whose tokens are compared, as `COMPARED` in src/retrieval/late.rs.
COMPARED = 40
#: Features that come from comparing tokens.
OF_TOKENS = (4,)
#: Parts of the questions; each is asked with weights fitted on the others. Question n of a file belongs to part n modulo this.
PARTS = 5


def load(path: str):
    """Answerable questions: part, number of relevant clauses, positions of those among the candidates, the candidates."""
    rows = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            if not row["relevant"]:
                continue
            rows.append((number % PARTS, row["relevant"], row["found"], torch.tensor(row["candidates"]).reshape(len(row["candidates"]), -1)))
    return rows


def batch(rows):
    """All candidates in one padded tensor, with masks of what is there and what is relevant."""
    longest = max(len(c) for *_, c in rows)
    features = torch.zeros(len(rows), longest, rows[0][3].shape[1])
    there = torch.zeros(len(rows), longest, dtype=torch.bool)
    gold = torch.zeros(len(rows), longest)
    for n, (_, _, found, candidates) in enumerate(rows):
        features[n, : len(candidates)] = candidates
        there[n, : len(candidates)] = True
        gold[n, found] = 1.0 / max(1, len(found))
    return features, there, gold


def fit(rows, used: list[int]) -> torch.Tensor:
    """Weights over the features in `used`; zero elsewhere."""
    features, there, gold = batch([row for row in rows if row[2]])
    chosen = features[..., used]
    scale = chosen[there].std(0).clamp_min(1e-6)
    chosen = chosen / scale
    weights = torch.zeros(len(used), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        scores = (chosen @ weights).masked_fill(~there, -1e9)
        value = -(gold * torch.log_softmax(scores, 1)).sum(1).mean() + DECAY * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    out = torch.zeros(features.shape[2])
    out[used] = weights.detach() / scale
    return out


def figures(rows, weights) -> dict[str, float]:
    """Means over the questions, as `guida eval` defines them."""
    sums = {"R@1": 0.0, "R@3": 0.0, "R@10": 0.0, "R@100": 0.0, "nDCG@10": 0.0, "MRR": 0.0}
    for _, relevant, found, candidates in rows:
        order = (candidates @ weights).argsort(descending=True, stable=True).tolist()
        place = {at: rank for rank, at in enumerate(order)}
        ranks = sorted(place[at] for at in found)
        for k in (1, 3, 10, 100):
            sums[f"R@{k}"] += sum(r < k for r in ranks) / relevant
        ideal = sum(1 / math.log2(n + 2) for n in range(min(10, relevant)))
        sums["nDCG@10"] += sum(1 / math.log2(r + 2) for r in ranks if r < 10) / ideal
        sums["MRR"] += 1 / (ranks[0] + 1) if ranks and ranks[0] < 100 else 0.0
    return {name: round(value / len(rows), 3) for name, value in sums.items()}


def crossed(rows, used: list[int]) -> dict[str, float]:
    """Figures of every fold with weights fitted on the others."""
    folds = sorted({row[0] for row in rows})
    total: dict[str, float] = {}
    for fold in folds:
        weights = fit([row for row in rows if row[0] != fold], used)
        asked = [row for row in rows if row[0] == fold]
        for name, value in figures(asked, weights).items():
            total[name] = total.get(name, 0.0) + value * len(asked) / len(rows)
    return {name: round(value, 3) for name, value in total.items()}


def first(rows):
    """The questions with only the candidates whose tokens were compared."""
    return [(part, relevant, [at for at in found if at < COMPARED], c[:COMPARED]) for part, relevant, found, c in rows]


def fitted(name: str, rows, used: list[int]) -> None:
    """Prints the weights and what they reach, crossed and without each feature."""
    for left_out in used:
        print(name, "without feature", left_out, crossed(rows, [n for n in used if n != left_out]))
    print(name, "fitted on the other parts:", crossed(rows, used))
    weights = fit(rows, used)
    print(name, "fitted on all:", figures(rows, weights))
    print("[" + ", ".join(f"{w:.2f}" for w in weights.tolist()) + "]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evidence", nargs="+")
    args = parser.parse_args()
    rows = [row for path in args.evidence for row in load(path)]
    # Features of what took no part are zero throughout.
    used = [n for n in range(rows[0][3].shape[1]) if any(row[3][:, n].any() for row in rows)]
    fitted("tokens compared:", first(rows), used)
    fitted("before:", rows, [n for n in used if n not in OF_TOKENS])


if __name__ == "__main__":
    main()
