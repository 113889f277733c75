#include <stdio.h>
#include <stdlib.h>

#define MODULUS 65521
#define DEPTH 18

typedef enum { NUMBER, VARIABLE, ADD, SUBTRACT, MULTIPLY, NEGATE } Tag;

typedef struct Expr {
    Tag tag;
    long long value;
    struct Expr *a, *b;
} Expr;

static Expr *expr(Tag tag, long long value, Expr *a, Expr *b) {
    Expr *e = malloc(sizeof *e);
    *e = (Expr){tag, value, a, b};
    return e;
}

static Expr *build(long long depth, long long seed) {
    if (depth == 0 || seed % 37 == 0) {
        return seed % 2 == 0 ? expr(NUMBER, seed % 1000, NULL, NULL) : expr(VARIABLE, 0, NULL, NULL);
    }
    long long left = seed * 31 % MODULUS + 1;
    long long right = seed * 17 % MODULUS + 2;
    long long kind = seed % 7;
    if (kind == 6) {
        return expr(NEGATE, 0, build(depth - 1, left), NULL);
    }
    Tag tag = kind < 2 ? ADD : kind < 4 ? SUBTRACT : MULTIPLY;
    return expr(tag, 0, build(depth - 1, left), build(depth - 1, right));
}

static long long nodes(const Expr *e) {
    switch (e->tag) {
    case NUMBER:
    case VARIABLE:
        return 1;
    case NEGATE:
        return 1 + nodes(e->a);
    default:
        return 1 + nodes(e->a) + nodes(e->b);
    }
}

static long long eval(const Expr *e, long long x) {
    switch (e->tag) {
    case NUMBER:
        return e->value;
    case VARIABLE:
        return x;
    case ADD:
        return (eval(e->a, x) + eval(e->b, x)) % MODULUS;
    case SUBTRACT:
        return (eval(e->a, x) - eval(e->b, x) + MODULUS) % MODULUS;
    case MULTIPLY:
        return eval(e->a, x) * eval(e->b, x) % MODULUS;
    default:
        return (MODULUS - eval(e->a, x)) % MODULUS;
    }
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 200;
    Expr *tree = build(DEPTH, 12345);
    long long total = 0;
    for (long long x = 0; x < n; x++) {
        total = (total * 3 + eval(tree, x)) % MODULUS;
    }
    printf("%lld %lld\n", nodes(tree), total);
    return 0;
}
