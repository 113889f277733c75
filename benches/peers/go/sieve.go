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

func primesBelow(n int) int {
	prime := make([]bool, n)
	for i := range prime {
		prime[i] = true
	}
	prime[0], prime[1] = false, false
	for i := 2; i*i < n; i++ {
		if prime[i] {
			for multiple := i * i; multiple < n; multiple += i {
				prime[multiple] = false
			}
		}
	}
	count := 0
	for _, p := range prime {
		if p {
			count++
		}
	}
	return count
}

func main() {
	n := size(10_000_000)
	total := 0
	for round := 0; round < 3; round++ {
		total += primesBelow(n)
	}
	fmt.Println(total)
}
