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

func build(n, seed int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		for j := range m[i] {
			m[i][j] = float64((i*seed+j*3)%17) * 0.25
		}
	}
	return m
}

func multiply(a, b [][]float64) [][]float64 {
	n := len(a)
	c := make([][]float64, n)
	for i := range c {
		row := make([]float64, n)
		for k, x := range a[i] {
			other := b[k]
			for j := range row {
				row[j] += x * other[j]
			}
		}
		c[i] = row
	}
	return c
}

func main() {
	n := size(400)
	c := multiply(build(n, 5), build(n, 7))
	var trace, total float64
	for i, row := range c {
		trace += row[i]
		for _, x := range row {
			total += x
		}
	}
	fmt.Printf("%.4f %.4f\n", trace, total)
}
