#!/bin/sh
# Guida's vector search and faiss on the same 66,000 vectors, one after the other. PYTHON names an interpreter with numpy and
# faiss-cpu (python3 -m venv v && v/bin/pip install numpy faiss-cpu; PYTHON=v/bin/python).
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
GUIDA_BENCH_DIR="$folder" cargo bench --profile release --locked --bench vector_scan
"${PYTHON:-python3}" benches/vector_scan.py "$folder"
