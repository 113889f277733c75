#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *bytes;
    size_t len, cap;
} Text;

static void append(Text *t, const char *bytes, size_t len) {
    if (t->len + len > t->cap) {
        t->cap = (t->cap + len) * 2;
        t->bytes = realloc(t->bytes, t->cap);
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
}

static Text copy(const char *bytes, size_t len) {
    Text t = {malloc(len + 1), len, len};
    memcpy(t.bytes, bytes, len);
    return t;
}

static Text build(long long n) {
    Text t = {0};
    char piece[32];
    for (long long i = 0; i < n; i++) {
        append(&t, piece, sprintf(piece, "%lld,", i % 1000));
    }
    return t;
}

static Text *split(Text text, char separator, size_t *count) {
    size_t cap = 16;
    Text *parts = malloc(cap * sizeof *parts);
    const char *from = text.bytes, *end = text.bytes + text.len;
    *count = 0;
    for (;;) {
        const char *at = memchr(from, separator, end - from);
        if (*count == cap) {
            cap *= 2;
            parts = realloc(parts, cap * sizeof *parts);
        }
        parts[(*count)++] = copy(from, (at ? at : end) - from);
        if (!at) {
            return parts;
        }
        from = at + 1;
    }
}

static Text join(const Text *parts, size_t count, const char *separator) {
    Text out = {0};
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            append(&out, separator, strlen(separator));
        }
        append(&out, parts[i].bytes, parts[i].len);
    }
    return out;
}

static Text replace(Text text, char old, const char *new) {
    Text out = {0};
    const char *from = text.bytes, *end = text.bytes + text.len, *at;
    while ((at = memchr(from, old, end - from)) != NULL) {
        append(&out, from, at - from);
        append(&out, new, strlen(new));
        from = at + 1;
    }
    append(&out, from, end - from);
    return out;
}

static __attribute__((noinline)) size_t bracketed_length(Text part) {
    Text s = {malloc(part.len + 2), 0, part.len + 2};
    append(&s, "<", 1);
    append(&s, part.bytes, part.len);
    append(&s, ">", 1);
    size_t len = s.len;
    free(s.bytes);
    return len;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 1000000;
    size_t checksum = 0;
    for (int round = 0; round < 3; round++) {
        Text text = build(n);
        size_t count, small = 0;
        Text *parts = split(text, ',', &count);
        Text joined = join(parts, count, ";");
        for (size_t i = 0; i < count; i++) {
            small += bracketed_length(parts[i]);
        }
        Text replaced = replace(joined, '1', "one");
        checksum += text.len + count + joined.len + small + replaced.len;
        for (size_t i = 0; i < count; i++) {
            free(parts[i].bytes);
        }
        free(parts);
        free(text.bytes);
        free(joined.bytes);
        free(replaced.bytes);
    }
    printf("%zu\n", checksum);
    return 0;
}
