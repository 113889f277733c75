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
	modulus = 65521
	depth   = 18
)

type expr interface {
	nodes() int
	eval(x int) int
}

type number struct{ value int }
type variable struct{}
type add struct{ a, b expr }
type subtract struct{ a, b expr }
type multiply struct{ a, b expr }
type negate struct{ a expr }

func build(depth, seed int) expr {
	if depth == 0 || seed%37 == 0 {
		if seed%2 == 0 {
			return &number{seed % 1000}
		}
		return &variable{}
	}
	left := seed*31%modulus + 1
	right := seed*17%modulus + 2
	switch seed % 7 {
	case 0, 1:
		return &add{build(depth-1, left), build(depth-1, right)}
	case 2, 3:
		return &subtract{build(depth-1, left), build(depth-1, right)}
	case 4, 5:
		return &multiply{build(depth-1, left), build(depth-1, right)}
	}
	return &negate{build(depth-1, left)}
}

func (*number) nodes() int     { return 1 }
func (*variable) nodes() int   { return 1 }
func (e *add) nodes() int      { return 1 + e.a.nodes() + e.b.nodes() }
func (e *subtract) nodes() int { return 1 + e.a.nodes() + e.b.nodes() }
func (e *multiply) nodes() int { return 1 + e.a.nodes() + e.b.nodes() }
func (e *negate) nodes() int   { return 1 + e.a.nodes() }

func (e *number) eval(x int) int   { return e.value }
func (*variable) eval(x int) int   { return x }
func (e *add) eval(x int) int      { return (e.a.eval(x) + e.b.eval(x)) % modulus }
func (e *subtract) eval(x int) int { return (e.a.eval(x) - e.b.eval(x) + modulus) % modulus }
func (e *multiply) eval(x int) int { return e.a.eval(x) * e.b.eval(x) % modulus }
func (e *negate) eval(x int) int   { return (modulus - e.a.eval(x)) % modulus }

func main() {
	n := size(200)
	tree := build(depth, 12345)
	total := 0
	for x := 0; x < n; x++ {
		total = (total*3 + tree.eval(x)) % modulus
	}
	fmt.Println(tree.nodes(), total)
}
