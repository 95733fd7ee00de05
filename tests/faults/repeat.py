"""Does the fault suite pass with one seed after the other? `python tests/faults/repeat.py 50`, or `make test-faults SEEDS=50`."""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
LONGEST_FIRST = [str(HERE / name) for name in ("test_texts.py", "test_process.py", "")]


def main(n_seeds: int) -> int:
    """Run the suite with seeds 1 to `n_seeds`, and stop at the first that fails; pytest's exit code."""
    for seed in range(1, n_seeds + 1):
        started = time.monotonic()
        line = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "--no-header", *LONGEST_FIRST]
        done = subprocess.run(
            line,
            cwd=HERE.parents[1],
            env={**os.environ, "JUDGEFAIR_FAULT_SEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        outcome = "failed" if done.returncode else "passed"
        last = done.stdout.strip().splitlines()[-1:]
        print(f"seed {seed} of {n_seeds}: {outcome} in {time.monotonic() - started:.0f} s ({''.join(last)})", flush=True)
        if done.returncode:
            print(f"{done.stdout}\nAgain: JUDGEFAIR_FAULT_SEED={seed} python -m pytest {HERE}")
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
