"""Runs a command and says what it cost: measure.py NAME CODES COMMAND... prints `NAME WALL CPU PEAK_KIB`.

CODES are the exit codes that are an answer, as `0,2`; with any other the measurement is none.
"""
import resource
import subprocess
import sys
import time

name, codes, command = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
began = time.monotonic()
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
wall = time.monotonic() - began
if str(done.returncode) not in codes:
    sys.exit(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{name} {wall:.3f} {used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss}")
