"""Draws the losses of a training log as SVG, one line a stage."""

import argparse
import json
from collections import defaultdict

WIDTH, HEIGHT, MARGIN = 720, 360, 48
COLOURS = ["#1f5fa8", "#b3541e", "#2f7d3b", "#7a3b8f", "#8a6d00", "#4a4a4a", "#a1283d"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("out")
    args = parser.parse_args()
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for line in open(args.log, encoding="utf-8"):
        row = json.loads(line)
        if "loss" in row:
            curves[row["stage"]].append((row["step"], row["loss"]))
    last = max(step for points in curves.values() for step, _ in points)
    top = max(loss for points in curves.values() for _, loss in points)

    def at(step: float, loss: float) -> str:
        x = MARGIN + step / last * (WIDTH - 2 * MARGIN)
        return f"{x:.1f},{HEIGHT - MARGIN - loss / top * (HEIGHT - 2 * MARGIN):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{at(0, top)} L{at(0, 0)} L{at(last, 0)}" fill="none" stroke="#333"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">steps (0 to {last})</text>',
        f'<text x="12" y="{MARGIN - 12}">loss (0 to {top:.2f}), smoothed</text>',
    ]
    for n, (stage, points) in enumerate(curves.items()):
        colour = COLOURS[n % len(COLOURS)]
        line = " ".join(at(*point) for point in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{WIDTH - MARGIN - 90}" y="{MARGIN + 16 * n}" fill="{colour}">{stage}</text>')
    with open(args.out, "w", encoding="utf-8") as out:
        out.write("\n".join([*parts, "</svg>"]) + "\n")


if __name__ == "__main__":
    main()
