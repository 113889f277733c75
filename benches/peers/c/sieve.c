#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>

static long long primes_below(long long n) {
    bool *prime = malloc(n);
    memset(prime, true, n);
    prime[0] = false;
    prime[1] = false;
    for (long long i = 2; i * i < n; i++) {
        if (prime[i]) {
            for (long long multiple = i * i; multiple < n; multiple += i) {
                prime[multiple] = false;
            }
        }
    }
    long long count = 0;
    for (long long i = 0; i < n; i++) {
        count += prime[i];
    }
    free(prime);
    return count;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 10000000;
    long long total = 0;
    for (int round = 0; round < 3; round++) {
        total += primes_below(n);
    }
    printf("%lld\n", total);
    return 0;
}
