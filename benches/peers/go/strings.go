package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

func size(fallback int) int {
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil {
			panic(err)
		}
		return n
	}
	return fallback
}

func main() {
	n := size(1_000_000)
	checksum := 0
	for round := 0; round < 3; round++ {
		var builder strings.Builder
		for i := 0; i < n; i++ {
			builder.WriteString(strconv.Itoa(i % 1000))
			builder.WriteString(",")
		}
		text := builder.String()
		parts := strings.Split(text, ",")
		joined := strings.Join(parts, ";")
		short := 0
		for _, part := range parts {
			short += bracketedLength("<" + part + ">")
		}
		replaced := strings.ReplaceAll(joined, "1", "one")
		checksum += len(text) + len(parts) + len(joined) + short + len(replaced)
	}
	fmt.Println(checksum)
}

// Without it the compiler sees that only the length is wanted and never builds the string.
//
//go:noinline
func bracketedLength(s string) int {
	return len(s)
}
