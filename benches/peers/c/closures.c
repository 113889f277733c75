#include <stdio.h>
#include <stdlib.h>

/* A closure is a function pointer and its environment, called through the pointer. */
typedef struct {
    long (*call)(long captured, long x);
    long captured;
} Closure;

typedef struct {
    long (*call)(long acc, long x);
} Folder;

static long *map(const long *xs, size_t len, Closure f) {
    long *out = malloc(len * sizeof *out);
    for (size_t i = 0; i < len; i++) {
        out[i] = f.call(f.captured, xs[i]);
    }
    return out;
}

static long *filter(const long *xs, size_t *len, Closure keep) {
    long *out = malloc(*len * sizeof *out);
    size_t count = 0;
    for (size_t i = 0; i < *len; i++) {
        if (keep.call(keep.captured, xs[i])) {
            out[count++] = xs[i];
        }
    }
    *len = count;
    return out;
}

static long reduce(const long *xs, size_t len, long start, Folder f) {
    long acc = start;
    for (size_t i = 0; i < len; i++) {
        acc = f.call(acc, xs[i]);
    }
    return acc;
}

static long scale(long round, long x) {
    return x * 3 + round;
}

static long even(long unused, long x) {
    (void)unused;
    return x % 2 == 0;
}

static long add(long sum, long x) {
    return (sum + x) & 0xffffff;
}

static long advance(long step, long x) {
    return (x * 5 + step) & 0xffff;
}

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 1000000;
    long *numbers = malloc(n * sizeof *numbers);
    for (long i = 0; i < n; i++) {
        numbers[i] = i;
    }
    long total = 0;
    for (long round = 0; round < 10; round++) {
        size_t len = n;
        long *scaled = map(numbers, len, (Closure){scale, round});
        long *kept = filter(scaled, &len, (Closure){even, 0});
        total = (total + reduce(kept, len, 0, (Folder){add})) % 1000003;
        free(scaled);
        free(kept);
    }
    Closure next = {advance, total % 7 + 1};
    for (long i = 0; i < n * 10; i++) {
        total = next.call(next.captured, total + i);
    }
    printf("%ld\n", total);
    return 0;
}
