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

func mapped[A, B any](xs []A, f func(A) B) []B {
	out := make([]B, len(xs))
	for i, x := range xs {
		out[i] = f(x)
	}
	return out
}

func filtered[A any](xs []A, keep func(A) bool) []A {
	var out []A
	for _, x := range xs {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}

func reduced[A, B any](xs []A, start B, f func(B, A) B) B {
	acc := start
	for _, x := range xs {
		acc = f(acc, x)
	}
	return acc
}

func main() {
	n := size(1_000_000)
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	total := 0
	for round := 0; round < 10; round++ {
		scaled := mapped(numbers, func(x int) int { return x*3 + round })
		kept := filtered(scaled, func(x int) bool { return x%2 == 0 })
		total = (total + reduced(kept, 0, func(sum, x int) int { return (sum + x) & 0xffffff })) % 1000003
	}
	step := total%7 + 1
	next := func(x int) int { return (x*5 + step) & 0xffff }
	for i := 0; i < n*10; i++ {
		total = next(total + i)
	}
	fmt.Println(total)
}
