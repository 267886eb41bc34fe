package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readInput reads a file, or standard input if it is called -. What is packed
// by gzip is unpacked, whatever its name. Errors say which file they are about.
func readInput[T any](file string, stdin io.Reader, parse func(io.Reader) (T, error)) (T, error) {
	var none T
	r, name := stdin, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return none, sayOpen(file, err)
		}
		defer f.Close()
		r, name = f, file
	}
	buffered := bufio.NewReader(r)
	r = buffered
	if magic, err := buffered.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if r, err = gzip.NewReader(buffered); err != nil {
			return none, fmt.Errorf("%s: it can't be unpacked: %w", name, err)
		}
	}
	v, err := parse(r)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// sayOpen says why a file can't be opened, once.
func sayOpen(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %s", file)
	}
	return err // it names the file
}
