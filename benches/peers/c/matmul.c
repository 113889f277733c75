#include <stdio.h>
#include <stdlib.h>

static double **make(long long n, long long seed) {
    double **m = malloc(n * sizeof *m);
    for (long long i = 0; i < n; i++) {
        m[i] = malloc(n * sizeof **m);
        for (long long j = 0; j < n; j++) {
            m[i][j] = (double)((i * seed + j * 3) % 17) * 0.25;
        }
    }
    return m;
}

static double **multiply(long long n, double **a, double **b) {
    double **c = malloc(n * sizeof *c);
    for (long long i = 0; i < n; i++) {
        double *row = calloc(n, sizeof *row);
        for (long long k = 0; k < n; k++) {
            double x = a[i][k];
            const double *other = b[k];
            for (long long j = 0; j < n; j++) {
                row[j] += x * other[j];
            }
        }
        c[i] = row;
    }
    return c;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 400;
    double **c = multiply(n, make(n, 5), make(n, 7));
    double trace = 0, total = 0;
    for (long long i = 0; i < n; i++) {
        trace += c[i][i];
        for (long long j = 0; j < n; j++) {
            total += c[i][j];
        }
    }
    printf("%.4f %.4f\n", trace, total);
    return 0;
}
