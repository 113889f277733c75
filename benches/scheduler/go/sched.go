// The scheduler's workloads in Go: prints operations and milliseconds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func spawn(f func() int) chan int {
	c := make(chan int, 1)
	go func() { c <- f() }()
	return c
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	left := spawn(func() int { return fib(n - 1) })
	right := fib(n - 2)
	return <-left + right
}

func skynet(first, size int) int {
	if size == 1 {
		return first
	}
	step := size / 10
	var all [10]chan int
	for i := range all {
		f := first + i*step
		all[i] = spawn(func() int { return skynet(f, step) })
	}
	sum := 0
	for _, c := range all {
		sum += <-c
	}
	return sum
}

func pingPong(n int, timeout bool) {
	ping, pong := make(chan int, 1), make(chan int, 1)
	go func() {
		for v := range ping {
			pong <- v
		}
	}()
	for i := 0; i < n; i++ {
		ping <- i
		if !timeout {
			<-pong
			continue
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-pong:
		case <-timer.C:
		}
		timer.Stop()
	}
	close(ping)
}

func each(n int, f func(i int)) {
	var all sync.WaitGroup
	all.Add(n)
	for i := 0; i < n; i++ {
		go func() { f(i); all.Done() }()
	}
	all.Wait()
}

func manyToMany(n int) {
	c := make(chan int, 1024)
	var producers, consumers sync.WaitGroup
	producers.Add(4)
	consumers.Add(4)
	for k := 0; k < 4; k++ {
		go func() {
			for i := 0; i < n/4; i++ {
				c <- i
			}
			producers.Done()
		}()
		go func() {
			sum := 0
			for v := range c {
				sum += v
			}
			consumers.Done()
		}()
	}
	producers.Wait()
	close(c)
	consumers.Wait()
}

func parked(n int) {
	c := make(chan int)
	var all sync.WaitGroup
	all.Add(n)
	for i := 0; i < n; i++ {
		go func() { <-c; all.Done() }()
	}
	runtime.Gosched()
	for i := 0; i < n; i++ {
		c <- i
	}
	all.Wait()
}

func main() {
	workloads := map[string]func() int{
		"spawn_await": func() int {
			for i := 0; i < 1000000; i++ {
				<-spawn(func() int { return i })
			}
			return 1000000
		},
		"spawn_batch": func() int {
			var all []chan int
			for i := 0; i < 1000000; i++ {
				all = append(all, spawn(func() int { return i }))
			}
			for _, c := range all {
				<-c
			}
			return 1000000
		},
		"fib_spawn":    func() int { fib(27); return 317810 },
		"skynet":       func() int { skynet(0, 1000000); return 1000000 },
		"ping_pong":    func() int { pingPong(500000, false); return 500000 },
		"ping_timeout": func() int { pingPong(500000, true); return 500000 },
		"chan_4_4":     func() int { manyToMany(4000000); return 4000000 },
		"yield": func() int {
			each(2, func(int) {
				for i := 0; i < 1000000; i++ {
					runtime.Gosched()
				}
			})
			return 2000000
		},
		"parked": func() int { parked(1000000); return 1000000 },
		"sleepers": func() int {
			each(100000, func(i int) { time.Sleep(time.Duration(i*7919%100) * time.Millisecond) })
			return 100000
		},
	}
	run := workloads[os.Args[1]]
	if run == nil {
		os.Exit(1)
	}
	start := time.Now()
	operations := run()
	fmt.Println(operations, float64(time.Since(start).Nanoseconds())/1e6)
}
