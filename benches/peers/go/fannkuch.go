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

func fannkuch(n int) (int, int) {
	perm := make([]int, n)
	flipped := make([]int, n)
	count := make([]int, n)
	for i := range perm {
		perm[i] = i
	}
	checksum, most, even, r := 0, 0, true, n
	for {
		for r != 1 {
			count[r-1] = r
			r--
		}
		copy(flipped, perm)
		flips := 0
		for first := flipped[0]; first != 0; first = flipped[0] {
			for low, high := 0, first; low < high; low, high = low+1, high-1 {
				flipped[low], flipped[high] = flipped[high], flipped[low]
			}
			flips++
		}
		most = max(most, flips)
		if even {
			checksum += flips
		} else {
			checksum -= flips
		}
		for {
			if r == n {
				return checksum, most
			}
			front := perm[0]
			for i := 0; i < r; i++ {
				perm[i] = perm[i+1]
			}
			perm[r] = front
			count[r]--
			if count[r] > 0 {
				break
			}
			r++
		}
		even = !even
	}
}

func main() {
	checksum, most := fannkuch(size(10))
	fmt.Println(checksum, most)
}
