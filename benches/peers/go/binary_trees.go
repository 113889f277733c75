package main

import (
	"fmt"
	"os"
	"strconv"
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

type tree struct{ left, right *tree }

func build(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{build(depth - 1), build(depth - 1)}
}

func (t *tree) count() int {
	if t == nil {
		return 0
	}
	return 1 + t.left.count() + t.right.count()
}

func main() {
	n := size(17)
	fmt.Printf("stretch %d: %d\n", n+1, build(n+1).count())
	kept := build(n)
	for depth := 4; depth <= n; depth += 4 {
		rounds := 1 << (n - depth + 4)
		total := 0
		for i := 0; i < rounds; i++ {
			total += build(depth).count()
		}
		fmt.Printf("%d of %d: %d\n", rounds, depth, total)
	}
	fmt.Printf("kept %d: %d\n", n, kept.count())
}
