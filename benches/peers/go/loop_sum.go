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

func main() {
	n := size(1_000_000_000)
	sum := 0
	for i := 0; i < n; i++ {
		sum = (sum + (i ^ sum)) & 0x3fffffff
	}
	fmt.Println(sum)
}
