#include <stdio.h>
#include <stdlib.h>

typedef struct Tree {
    struct Tree *left, *right;
} Tree;

static Tree *make(long depth) {
    Tree *t = malloc(sizeof *t);
    t->left = depth == 0 ? NULL : make(depth - 1);
    t->right = depth == 0 ? NULL : make(depth - 1);
    return t;
}

static long count(const Tree *t) {
    return t == NULL ? 0 : 1 + count(t->left) + count(t->right);
}

static void release(Tree *t) {
    if (t != NULL) {
        release(t->left);
        release(t->right);
        free(t);
    }
}

static long count_new(long depth) {
    Tree *t = make(depth);
    long nodes = count(t);
    release(t);
    return nodes;
}

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 17;
    printf("stretch %ld: %ld\n", n + 1, count_new(n + 1));
    Tree *kept = make(n);
    for (long depth = 4; depth <= n; depth += 4) {
        long rounds = 1L << (n - depth + 4);
        long total = 0;
        for (long i = 0; i < rounds; i++) {
            total += count_new(depth);
        }
        printf("%ld of %ld: %ld\n", rounds, depth, total);
    }
    printf("kept %ld: %ld\n", n, count(kept));
    return 0;
}
