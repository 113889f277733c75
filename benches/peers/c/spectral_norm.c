#include <stdio.h>
#include <stdlib.h>
#include <math.h>

static double entry(long long i, long long j) {
    return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(long long n, const double *v, double *out) {
    for (long long i = 0; i < n; i++) {
        double sum = 0;
        for (long long j = 0; j < n; j++) {
            sum += entry(i, j) * v[j];
        }
        out[i] = sum;
    }
}

static void times_transposed(long long n, const double *v, double *out) {
    for (long long i = 0; i < n; i++) {
        double sum = 0;
        for (long long j = 0; j < n; j++) {
            sum += entry(j, i) * v[j];
        }
        out[i] = sum;
    }
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 1000;
    double *u = malloc(n * sizeof *u);
    double *v = malloc(n * sizeof *v);
    double *between = malloc(n * sizeof *between);
    for (long long i = 0; i < n; i++) {
        u[i] = 1;
    }
    for (int round = 0; round < 10; round++) {
        times(n, u, between);
        times_transposed(n, between, v);
        times(n, v, between);
        times_transposed(n, between, u);
    }
    double vbv = 0, vv = 0;
    for (long long i = 0; i < n; i++) {
        vbv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    printf("%.9f\n", sqrt(vbv / vv));
    return 0;
}
