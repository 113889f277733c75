#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>

#define WORDS 20000
#define NUMBERS 100000

/* Open addressing with linear probing, doubled at two thirds full. A String key is its text, an
   Int key has no text. */
typedef struct {
    const char *word;
    long long number, count;
} Entry;

typedef struct {
    Entry *entries;
    size_t cap, len;
} Map;

static uint64_t hash(const char *word, long long number) {
    uint64_t h = 0xcbf29ce484222325u;
    if (word == NULL) {
        h = (uint64_t)number * 0x9e3779b97f4a7c15u;
        return h ^ h >> 32;
    }
    for (; *word; word++) {
        h = (h ^ (unsigned char)*word) * 0x100000001b3u;
    }
    return h;
}

static int same(const Entry *e, const char *word, long long number) {
    return word ? strcmp(e->word, word) == 0 : e->number == number;
}

static Entry *find(Map *m, const char *word, long long number) {
    size_t at = hash(word, number) & (m->cap - 1);
    while (m->entries[at].count != 0 && !same(&m->entries[at], word, number)) {
        at = (at + 1) & (m->cap - 1);
    }
    return &m->entries[at];
}

static void increment(Map *m, const char *word, long long number) {
    if (m->len * 3 >= m->cap * 2) {
        Map bigger = {calloc(m->cap * 2 + 16, sizeof(Entry)), m->cap ? m->cap * 2 : 16, m->len};
        for (size_t i = 0; i < m->cap; i++) {
            Entry *e = &m->entries[i];
            if (e->count != 0) {
                *find(&bigger, e->word, e->number) = *e;
            }
        }
        free(m->entries);
        *m = bigger;
    }
    Entry *e = find(m, word, number);
    if (e->count == 0) {
        e->word = word;
        e->number = number;
        m->len++;
    }
    e->count++;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 1000000;
    static char words[WORDS][16];
    for (long long i = 0; i < WORDS; i++) {
        sprintf(words[i], "word%lld", i);
    }
    long long seed = 42, checksum = 0;
    for (int round = 0; round < 3; round++) {
        Map by_word = {0}, by_number = {0};
        for (long long i = 0; i < n; i++) {
            seed = seed * 16807 % 2147483647;
            increment(&by_word, words[seed % WORDS], 0);
        }
        for (long long i = 0; i < n; i++) {
            seed = seed * 16807 % 2147483647;
            increment(&by_number, NULL, seed % NUMBERS);
        }
        for (size_t i = 0; i < by_word.cap; i++) {
            Entry *e = &by_word.entries[i];
            if (e->count != 0) {
                checksum = (checksum + (long long)strlen(e->word) * e->count * e->count) % 1000000007;
            }
        }
        for (size_t i = 0; i < by_number.cap; i++) {
            Entry *e = &by_number.entries[i];
            checksum = (checksum + e->number * e->count) % 1000000007;
        }
        checksum += (long long)(by_word.len + by_number.len);
        free(by_word.entries);
        free(by_number.entries);
    }
    printf("%lld\n", checksum);
    return 0;
}
