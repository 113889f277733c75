#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 1000000000;
    long long sum = 0;
    for (long long i = 0; i < n; i++) {
        sum = (sum + (i ^ sum)) & 0x3fffffff;
    }
    printf("%lld\n", sum);
    return 0;
}
