#include <stdio.h>
#include <stdlib.h>

#define LIMIT 200

static long escape(double cr, double ci) {
    double zr = 0, zi = 0;
    long steps = 0;
    while (steps < LIMIT) {
        double rr = zr * zr, ii = zi * zi;
        if (rr + ii > 4.0) {
            break;
        }
        zi = 2.0 * zr * zi + ci;
        zr = rr - ii + cr;
        steps++;
    }
    return steps;
}

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 1000;
    long total = 0;
    for (long y = 0; y < n; y++) {
        double ci = 2.0 * (double)y / (double)n - 1.0;
        for (long x = 0; x < n; x++) {
            total += escape(2.0 * (double)x / (double)n - 1.5, ci);
        }
    }
    printf("%ld\n", total);
    return 0;
}
