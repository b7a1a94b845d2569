"""How many threads are used while other programs come and go: `pace.c`, with made-up times."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.native import SOURCES

PROGRAM = """
#include <stdio.h>
#include "pace.h"

/* A pass of 8 units of work; one of the processors may give its thread a third of its time only. */
static int64_t pass(int threads, int processors, int taken) {
    double slow = taken && threads == processors ? 3 : 1;
    return (int64_t)(8e6 / threads * slow);
}

int main(void) {
    int processors = %d;
    Pace p = pace_of(processors);
    for (int phase = 0; phase < 3; phase++) {
        int64_t all = 0;
        int counts[9] = {0};
        for (int i = 0; i < 1000; i++) {
            int64_t ns = pass(pace_threads(&p), processors, phase == 1);
            counts[pace_threads(&p)]++;
            all += ns;
            pace_took(&p, ns);
        }
        printf("%%d %%d %%d %%.3f\\n", counts[processors], counts[processors - 1], pace_threads(&p),
               1000.0 * (double)pass(processors, processors, 0) / (double)all);
    }
}
"""


@pytest.mark.parametrize("processors", [2, 3, 8])
def test_a_processor_that_is_taken_is_left_and_taken_up_again(
    tmp_path: Path, processors: int
) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    source, program = tmp_path / "pace.c", tmp_path / "pace"
    source.write_text(PROGRAM % processors)
    command = [compiler, f"-I{SOURCES}", str(source), str(SOURCES / "pace.c"), "-o", str(program)]
    subprocess.run(command, check=True)
    lines = subprocess.check_output([program], text=True).splitlines()
    calm, taken, after = ([float(x) for x in line.split()] for line in lines)
    assert calm == [1000, 0, processors, 1.0], "nothing is tried while nothing disturbs"
    assert taken[1] > 900
    assert taken[3] > 0.9 * (processors - 1) / processors
    assert after[2] == processors
    assert after[0] > 800
