package main

import (
	"fmt"
	"math"
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

func entry(i, j int) float64 {
	return 1.0 / float64((i+j)*(i+j+1)/2+i+1)
}

func times(v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range out {
		sum := 0.0
		for j, x := range v {
			sum += entry(i, j) * x
		}
		out[i] = sum
	}
	return out
}

func timesTransposed(v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range out {
		sum := 0.0
		for j, x := range v {
			sum += entry(j, i) * x
		}
		out[i] = sum
	}
	return out
}

func main() {
	n := size(1000)
	u := make([]float64, n)
	for i := range u {
		u[i] = 1
	}
	var v []float64
	for round := 0; round < 10; round++ {
		v = timesTransposed(times(u))
		u = timesTransposed(times(v))
	}
	var vbv, vv float64
	for i := range u {
		vbv += u[i] * v[i]
		vv += v[i] * v[i]
	}
	fmt.Printf("%.9f\n", math.Sqrt(vbv/vv))
}
