"""Prints the figures of a benchmark beside their budgets, and the machine; writes them as JSON.

Arguments: the file of lines `key value`, and the JSON file, which may be empty.
"""

import json
import os
import platform
import sys


def budgets():
    found = {}
    with open(os.path.join(os.path.dirname(__file__), "budgets")) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                key, relation, bound, meaning = line.split(None, 3)
                found[key] = (relation, float(bound), meaning.strip())
    return found


def machine():
    model = memory = "?"
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    with open("/proc/meminfo") as lines:
        memory = f"{int(next(lines).split()[1]) / 1024 / 1024:.0f} GiB"
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    return f"{os.cpu_count()} × {model}, {memory}, Linux {platform.release()}, load {load}"


def main(figures_path, json_path):
    known = budgets()
    figures = {}
    with open(figures_path) as lines:
        for line in lines:
            key, value = line.split()
            if key not in known:
                sys.exit(f"scripts/bench: {key} has no line in scripts/bench.d/budgets")
            figures[key] = float(value)
    if not figures:
        sys.exit("scripts/bench: the benchmark reported no figure")
    print(f"\n{machine()}\n")
    for key, value in figures.items():
        relation, bound, meaning = known[key]
        holds = value <= bound if relation == "<=" else value >= bound
        verdict = "holds" if holds else "MISSED"
        sign = "≤" if relation == "<=" else "≥"
        print(f"{key:31} {value:10.4g}   {sign} {bound:<7g} {verdict:7} {meaning}")
    if json_path:
        with open(json_path, "w") as file:
            json.dump(figures, file, indent=2)
            file.write("\n")


main(*sys.argv[1:])
