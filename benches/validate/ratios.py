"""Medians of what measure.py printed, and their ratios to muster's: ratios.py LOG. Ends with 1 where a promise is not kept."""
import statistics
import sys

# At most this part of the other's wall time, and of its peak memory. What was not measured on request counts for nothing.
PROMISES = [
    ("muster", "oscap-current", 1 / 10, 1 / 8),
    ("alone", "oscap-current", 1 / 10, 1 / 8),
    ("muster", "oscap", 1 / 10, None),
    ("alone", "oscap", 1 / 10, 1 / 8),
    ("muster", "lynis", 1 / 50, None),
    ("walk", "find", 1.2, None),
]

costs = {}
for line in open(sys.argv[1], encoding="utf-8"):
    name, *figures = line.split()
    costs.setdefault(name, []).append([float(figure) for figure in figures])
median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in costs.items()}
for name, (wall, cpu, peak) in median.items():
    print(f"{name}: {wall:.3f} s of wall time, {cpu:.3f} s of CPU time, {peak / 1024:.1f} MiB, over {len(costs[name])} runs")
kept = True
for own, other, most_time, most_memory in PROMISES:
    if other == "oscap-current" and other not in median:
        continue
    if own not in median or other not in median:
        sys.exit(f"{own} or {other} was not measured")
    time, memory = median[own][0] / median[other][0], median[own][2] / median[other][2]
    kept &= time <= most_time and (most_memory is None or memory <= most_memory)
    limit = f", {most_memory:.3f} allowed" if most_memory else ""
    print(f"{own} beside {other}: {time:.4f} of the wall time ({most_time:.4f} allowed), {memory:.3f} of the memory{limit}")
sys.exit(0 if kept else 1)
