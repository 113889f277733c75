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

const limit = 200

func escape(cr, ci float64) int {
	zr, zi := 0.0, 0.0
	steps := 0
	for steps < limit {
		rr, ii := zr*zr, zi*zi
		if rr+ii > 4.0 {
			break
		}
		zi = 2.0*zr*zi + ci
		zr = rr - ii + cr
		steps++
	}
	return steps
}

func main() {
	n := size(1000)
	total := 0
	for y := 0; y < n; y++ {
		ci := 2.0*float64(y)/float64(n) - 1.0
		for x := 0; x < n; x++ {
			total += escape(2.0*float64(x)/float64(n)-1.5, ci)
		}
	}
	fmt.Println(total)
}
