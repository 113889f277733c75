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

const (
	wordsMax   = 20_000
	numbersMax = 100_000
)

func main() {
	n := size(1_000_000)
	words := make([]string, wordsMax)
	for i := range words {
		words[i] = fmt.Sprintf("word%d", i)
	}
	seed, checksum := 42, 0
	for round := 0; round < 3; round++ {
		byWord := map[string]int{}
		for i := 0; i < n; i++ {
			seed = seed * 16807 % 2147483647
			byWord[words[seed%wordsMax]]++
		}
		byNumber := map[int]int{}
		for i := 0; i < n; i++ {
			seed = seed * 16807 % 2147483647
			byNumber[seed%numbersMax]++
		}
		for word, count := range byWord {
			checksum = (checksum + len(word)*count*count) % 1000000007
		}
		for number, count := range byNumber {
			checksum = (checksum + number*count) % 1000000007
		}
		checksum += len(byWord) + len(byNumber)
	}
	fmt.Println(checksum)
}
