#include <stdio.h>
#include <stdlib.h>

typedef struct Tree {
    struct Tree *left, *right;
} Tree;

static Tree *make(long long depth) {
    Tree *t = malloc(sizeof *t);
    t->left = depth == 0 ? NULL : make(depth - 1);
    t->right = depth == 0 ? NULL : make(depth - 1);
    return t;
}

static long long count(const Tree *t) {
    return t == NULL ? 0 : 1 + count(t->left) + count(t->right);
}

static void release(Tree *t) {
    if (t != NULL) {
        release(t->left);
        release(t->right);
        free(t);
    }
}

static long long count_new(long long depth) {
    Tree *t = make(depth);
    long long nodes = count(t);
    release(t);
    return nodes;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 17;
    printf("stretch %lld: %lld\n", n + 1, count_new(n + 1));
    Tree *kept = make(n);
    for (long long depth = 4; depth <= n; depth += 4) {
        long long rounds = 1L << (n - depth + 4);
        long long total = 0;
        for (long long i = 0; i < rounds; i++) {
            total += count_new(depth);
        }
        printf("%lld of %lld: %lld\n", rounds, depth, total);
    }
    printf("kept %lld: %lld\n", n, count(kept));
    return 0;
}
