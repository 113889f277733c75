#include <stdio.h>
#include <stdlib.h>

/* A closure is a function pointer and its environment, called through the pointer. */
typedef struct {
    long long (*call)(long long captured, long long x);
    long long captured;
} Closure;

typedef struct {
    long long (*call)(long long acc, long long x);
} Folder;

static long long *map(const long long *xs, size_t len, Closure f) {
    long long *out = malloc(len * sizeof *out);
    for (size_t i = 0; i < len; i++) {
        out[i] = f.call(f.captured, xs[i]);
    }
    return out;
}

static long long *filter(const long long *xs, size_t *len, Closure keep) {
    long long *out = malloc(*len * sizeof *out);
    size_t count = 0;
    for (size_t i = 0; i < *len; i++) {
        if (keep.call(keep.captured, xs[i])) {
            out[count++] = xs[i];
        }
    }
    *len = count;
    return out;
}

static long long reduce(const long long *xs, size_t len, long long start, Folder f) {
    long long acc = start;
    for (size_t i = 0; i < len; i++) {
        acc = f.call(acc, xs[i]);
    }
    return acc;
}

static long long scale(long long round, long long x) {
    return x * 3 + round;
}

static long long even(long long unused, long long x) {
    (void)unused;
    return x % 2 == 0;
}

static long long add(long long sum, long long x) {
    return (sum + x) & 0xffffff;
}

static long long advance(long long step, long long x) {
    return (x * 5 + step) & 0xffff;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 1000000;
    long long *numbers = malloc(n * sizeof *numbers);
    for (long long i = 0; i < n; i++) {
        numbers[i] = i;
    }
    long long total = 0;
    for (long long round = 0; round < 10; round++) {
        size_t len = n;
        long long *scaled = map(numbers, len, (Closure){scale, round});
        long long *kept = filter(scaled, &len, (Closure){even, 0});
        total = (total + reduce(kept, len, 0, (Folder){add})) % 1000003;
        free(scaled);
        free(kept);
    }
    Closure next = {advance, total % 7 + 1};
    for (long long i = 0; i < n * 10; i++) {
        total = next.call(next.captured, total + i);
    }
    printf("%lld\n", total);
    return 0;
}
