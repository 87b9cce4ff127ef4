"""Coverage of 95 % intervals over folds, in one experiment, beside that of the naive t interval.

Run with `PYTHONPATH=scripts:tests/support python tests/benchmarks/fold_coverage.py`: a minute.
"""

import cross_validations

if __name__ == "__main__":
    print("folds  seeds  images  naive  accuracy  difference")
    for folds in (3, 5, 10):
        for seeds in (1, 3):
            for images in (40, 100, 400):
                found = cross_validations.coverage(images, folds, seeds, 1000)
                shares = "  ".join(f"{share:.3f}" for share in found.values())
                print(f"{folds:5d}  {seeds:5d}  {images:6d}  {shares}", flush=True)
