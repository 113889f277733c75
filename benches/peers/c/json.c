#include <stdio.h>
#include <stdlib.h>
#include <ctype.h>
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

static void append_text(Text *t, const char *text) {
    append(t, text, strlen(text));
}

typedef enum { NIL, FALSE_, TRUE_, INTEGER, REAL, STRING, ARRAY, OBJECT } Kind;

/* Items of an array and fields of an object are linked lists; `key` is set in a field. */
typedef struct Value {
    Kind kind;
    union {
        long long integer;
        double real;
        struct Value *first;
    };
    char *string, *key;
    size_t string_len, key_len;
    struct Value *next;
} Value;

static void fail(const char *what) {
    fprintf(stderr, "json: %s\n", what);
    exit(1);
}

static const char *skip(const char *p) {
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
        p++;
    }
    return p;
}

static size_t put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    } else if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 63));
    out[2] = (char)(0x80 | (code & 63));
    return 3;
}

static size_t put_escape(char *out, const char **p) {
    unsigned code = 0;
    char letter = *(*p)++;
    switch (letter) {
    case 'n': *out = '\n'; return 1;
    case 't': *out = '\t'; return 1;
    case 'r': *out = '\r'; return 1;
    case 'b': *out = '\b'; return 1;
    case 'f': *out = '\f'; return 1;
    case 'u':
        if (sscanf(*p, "%4x", &code) != 1) {
            fail("bad escape");
        }
        *p += 4;
        return put_utf8(out, code);
    default: *out = letter; return 1;
    }
}

static const char *parse_string(const char *p, char **out, size_t *len) {
    const char *end = ++p;
    while (*end != '"') {
        if (*end == '\0') {
            fail("unterminated string");
        }
        end += *end == '\\' ? 2 : 1;
    }
    char *bytes = malloc(end - p + 1);
    *len = 0;
    *out = bytes;
    while (p < end) {
        if (*p == '\\') {
            p++;
            *len += put_escape(bytes + *len, &p);
        } else {
            bytes[(*len)++] = *p++;
        }
    }
    return end + 1;
}

static const char *parse_number(const char *p, Value *v) {
    const char *end = p + (*p == '-');
    while (isdigit((unsigned char)*end)) {
        end++;
    }
    if (end == p) {
        fail("unexpected character");
    }
    if (*end != '.' && *end != 'e' && *end != 'E') {
        v->kind = INTEGER;
        v->integer = strtol(p, NULL, 10);
        return end;
    }
    char *stop;
    v->kind = REAL;
    v->real = strtod(p, &stop);
    return stop;
}

static const char *parse_value(const char *p, Value *v);

static const char *parse_items(const char *p, Value *v, char close) {
    Value **tail = &v->first;
    v->first = NULL;
    p = skip(p + 1);
    if (*p == close) {
        return p + 1;
    }
    for (;;) {
        Value *item = calloc(1, sizeof *item);
        if (close == '}') {
            if (*p != '"') {
                fail("expected a key");
            }
            p = skip(parse_string(p, &item->key, &item->key_len));
            if (*p != ':') {
                fail("expected :");
            }
            p = skip(p + 1);
        }
        p = skip(parse_value(p, item));
        *tail = item;
        tail = &item->next;
        if (*p == close) {
            return p + 1;
        } else if (*p != ',') {
            fail("expected , or the end");
        }
        p = skip(p + 1);
    }
}

static const char *parse_value(const char *p, Value *v) {
    if (*p == '"') {
        v->kind = STRING;
        return parse_string(p, &v->string, &v->string_len);
    } else if (*p == '[') {
        v->kind = ARRAY;
        return parse_items(p, v, ']');
    } else if (*p == '{') {
        v->kind = OBJECT;
        return parse_items(p, v, '}');
    } else if (strncmp(p, "true", 4) == 0) {
        v->kind = TRUE_;
        return p + 4;
    } else if (strncmp(p, "false", 5) == 0) {
        v->kind = FALSE_;
        return p + 5;
    } else if (strncmp(p, "null", 4) == 0) {
        v->kind = NIL;
        return p + 4;
    }
    return parse_number(p, v);
}

static void release(Value *v) {
    free(v->string);
    free(v->key);
    if (v->kind == ARRAY || v->kind == OBJECT) {
        Value *next;
        for (Value *item = v->first; item; item = next) {
            next = item->next;
            release(item);
            free(item);
        }
    }
}

static void quote(Text *out, const char *bytes, size_t len) {
    size_t from = 0;
    append(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        char escape[8];
        append(out, bytes + from, i - from);
        from = i + 1;
        switch (c) {
        case '"': append(out, "\\\"", 2); break;
        case '\\': append(out, "\\\\", 2); break;
        case '\n': append(out, "\\n", 2); break;
        case '\t': append(out, "\\t", 2); break;
        case '\r': append(out, "\\r", 2); break;
        default: append(out, escape, sprintf(escape, "\\u%04x", c));
        }
    }
    append(out, bytes + from, len - from);
    append(out, "\"", 1);
}

static void write_value(Text *out, const Value *v) {
    char number[40];
    switch (v->kind) {
    case NIL: append(out, "null", 4); return;
    case TRUE_: append(out, "true", 4); return;
    case FALSE_: append(out, "false", 5); return;
    case INTEGER: append(out, number, sprintf(number, "%lld", v->integer)); return;
    case REAL: append(out, number, sprintf(number, "%.15g", v->real)); return;
    case STRING: quote(out, v->string, v->string_len); return;
    default: break;
    }
    append(out, v->kind == ARRAY ? "[" : "{", 1);
    for (const Value *item = v->first; item; item = item->next) {
        if (item != v->first) {
            append(out, ",", 1);
        }
        if (v->kind == OBJECT) {
            quote(out, item->key, item->key_len);
            append(out, ":", 1);
        }
        write_value(out, item);
    }
    append(out, v->kind == ARRAY ? "]" : "}", 1);
}

static long long weigh(const Value *v) {
    long long sum = 0;
    switch (v->kind) {
    case NIL: return 3;
    case TRUE_: return 1;
    case FALSE_: return 2;
    case INTEGER: return v->integer * 2;
    case REAL: return (long long)(v->real * 2);
    case STRING: return (long long)v->string_len;
    default: break;
    }
    for (const Value *item = v->first; item; item = item->next) {
        sum += weigh(item);
    }
    return sum;
}

static Text document(long long n) {
    Text t = {0};
    char piece[128];
    append_text(&t, "[");
    for (long long i = 0; i < n; i++) {
        if (i > 0) {
            append_text(&t, ",");
        }
        sprintf(piece, "{\"id\":%lld,\"name\":\"user %lld\",\"active\":%s,\"score\":%lld.5,", i, i,
                i % 2 == 0 ? "true" : "false", i % 1000);
        append_text(&t, piece);
        append_text(&t, "\"tags\":[\"alpha\",\"beta\",\"gamma\"],");
        append_text(&t, "\"note\":\"a \\\"quoted\\\"\\tword\",");
        append_text(&t, "\"address\":{\"city\":\"Graz\",\"zip\":8010,\"extra\":null}}");
    }
    append_text(&t, "]");
    return t;
}

int main(int argc, char **argv) {
    long long n = argc > 1 ? atoll(argv[1]) : 60000;
    Text text = document(n);
    long long checksum = (long long)text.len;
    append(&text, "\0", 1);
    for (int round = 0; round < 5; round++) {
        Value value = {0};
        Text out = {0};
        if (*skip(parse_value(skip(text.bytes), &value)) != '\0') {
            fail("trailing text");
        }
        checksum = (checksum + weigh(&value)) % 1000000007;
        write_value(&out, &value);
        checksum = (checksum + (long long)out.len) % 1000000007;
        release(&value);
        free(out.bytes);
    }
    printf("%lld\n", checksum);
    return 0;
}
