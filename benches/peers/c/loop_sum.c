#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 1000000000;
    long sum = 0;
    for (long i = 0; i < n; i++) {
        sum = (sum + (i ^ sum)) & 0x3fffffff;
    }
    printf("%ld\n", sum);
    return 0;
}
