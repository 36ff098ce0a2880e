"""Exact search by faiss over the vectors that benches/vector_scan.rs left in a folder; prints its time and Guida's share of it.

Needs numpy and faiss-cpu. Usage: vector_scan.py FOLDER
"""

import json
import pathlib
import sys
import time

import faiss
import numpy

DIMENSION = 384
DEPTH = 100


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    vectors = numpy.fromfile(folder / "vectors.f32", dtype="<f4").reshape(-1, DIMENSION)
    questions = numpy.fromfile(folder / "questions.f32", dtype="<f4").reshape(-1, DIMENSION)
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(vectors)
    guida = json.loads((folder / "guida.json").read_text())
    for threads in (1, 2):
        faiss.omp_set_num_threads(threads)
        times = []
        for question in questions:
            started = time.perf_counter()
            index.search(question[None], DEPTH)
            times.append((time.perf_counter() - started) * 1e3)
        p50, p95 = numpy.percentile(times, [50, 95])
        print(
            f"faiss IndexFlatIP, {threads} thread(s): p50 {p50:.2f} ms, p95 {p95:.2f} ms; "
            f"guida takes {guida['p50_ms'] / p50:.2f} of its p50, {guida['p95_ms'] / p95:.2f} of its p95"
        )


main()
