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

func sortRange(a []int, low, high int) {
	i, j := low, high
	pivot := a[(low+high)/2]
	for i <= j {
		for a[i] < pivot {
			i++
		}
		for a[j] > pivot {
			j--
		}
		if i <= j {
			a[i], a[j] = a[j], a[i]
			i++
			j--
		}
	}
	if low < j {
		sortRange(a, low, j)
	}
	if i < high {
		sortRange(a, i, high)
	}
}

func main() {
	n := size(1_000_000)
	seed, checksum := 42, 0
	for round := 0; round < 3; round++ {
		var items []int
		for i := 0; i < n; i++ {
			seed = seed * 16807 % 2147483647
			items = append(items, seed)
		}
		sortRange(items, 0, n-1)
		for _, x := range items {
			checksum = (checksum*31 + x) % 1000000007
		}
	}
	fmt.Println(checksum)
}
