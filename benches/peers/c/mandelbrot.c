#include <stdio.h>
#include <stdlib.h>

#define LIMIT 200

static long long escape(double cr, double ci) {
    double zr = 0, zi = 0;
    long long steps = 0;
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
    long long n = argc > 1 ? atoll(argv[1]) : 1000;
    long long total = 0;
    for (long long y = 0; y < n; y++) {
        double ci = 2.0 * (double)y / (double)n - 1.0;
        for (long long x = 0; x < n; x++) {
            total += escape(2.0 * (double)x / (double)n - 1.5, ci);
        }
    }
    printf("%lld\n", total);
    return 0;
}
