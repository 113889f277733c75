#include <stdio.h>
#include <stdlib.h>

static void sort_range(long long *a, long long low, long long high) {
    long long i = low, j = high;
    long long pivot = a[(low + high) / 2];
    while (i <= j) {
        while (a[i] < pivot) {
            i++;
        }
        while (a[j] > pivot) {
            j--;
        }
        if (i <= j) {
            long long held = a[i];
            a[i] = a[j];
            a[j] = held;
            i++;
            j--;
        }
    }
    if (low < j) {
        sort_range(a, low, j);
    }
    if (i < high) {
        sort_range(a, i, high);
    }
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 1000000;
    long long seed = 42, checksum = 0;
    for (int round = 0; round < 3; round++) {
        long long *items = malloc(n * sizeof *items);
        for (long long i = 0; i < n; i++) {
            seed = seed * 16807 % 2147483647;
            items[i] = seed;
        }
        sort_range(items, 0, n - 1);
        for (long long i = 0; i < n; i++) {
            checksum = (checksum * 31 + items[i]) % 1000000007;
        }
        free(items);
    }
    printf("%lld\n", checksum);
    return 0;
}
