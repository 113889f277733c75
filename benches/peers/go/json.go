package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
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

func document(n int) string {
	var text strings.Builder
	text.WriteString("[")
	for i := 0; i < n; i++ {
		if i > 0 {
			text.WriteString(",")
		}
		fmt.Fprintf(&text, `{"id":%d,"name":"user %d","active":%t,"score":%d.5,`, i, i, i%2 == 0, i%1000)
		text.WriteString(`"tags":["alpha","beta","gamma"],"note":"a \"quoted\"\tword",`)
		text.WriteString(`"address":{"city":"Graz","zip":8010,"extra":null}}`)
	}
	text.WriteString("]")
	return text.String()
}

func weigh(value any) int {
	switch v := value.(type) {
	case bool:
		if v {
			return 1
		}
		return 2
	case float64:
		return int(v * 2)
	case string:
		return len(v)
	case []any:
		sum := 0
		for _, item := range v {
			sum += weigh(item)
		}
		return sum
	case map[string]any:
		sum := 0
		for _, item := range v {
			sum += weigh(item)
		}
		return sum
	}
	return 3
}

func main() {
	n := size(60_000)
	text := []byte(document(n))
	checksum := len(text)
	for round := 0; round < 5; round++ {
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			panic(err)
		}
		checksum = (checksum + weigh(value)) % 1000000007
		out, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		checksum = (checksum + len(out)) % 1000000007
	}
	fmt.Println(checksum)
}
