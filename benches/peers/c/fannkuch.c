#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>

static void fannkuch(long long n, long long *checksum_out, long long *most_out) {
    long long perm[32], flipped[32], count[32];
    long long checksum = 0, most = 0, r = n;
    bool even = true;
    for (long long i = 0; i < n; i++) {
        perm[i] = i;
    }
    for (;;) {
        while (r != 1) {
            count[r - 1] = r;
            r--;
        }
        for (long long i = 0; i < n; i++) {
            flipped[i] = perm[i];
        }
        long long flips = 0;
        for (long long first = flipped[0]; first != 0; first = flipped[0]) {
            for (long long low = 0, high = first; low < high; low++, high--) {
                long long held = flipped[low];
                flipped[low] = flipped[high];
                flipped[high] = held;
            }
            flips++;
        }
        most = flips > most ? flips : most;
        checksum += even ? flips : -flips;
        for (;;) {
            if (r == n) {
                *checksum_out = checksum;
                *most_out = most;
                return;
            }
            long long front = perm[0];
            for (long long i = 0; i < r; i++) {
                perm[i] = perm[i + 1];
            }
            perm[r] = front;
            count[r]--;
            if (count[r] > 0) {
                break;
            }
            r++;
        }
        even = !even;
    }
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 10;
    long long checksum, most;
    fannkuch(n < 31 ? n : 31, &checksum, &most);
    printf("%lld %lld\n", checksum, most);
    return 0;
}
