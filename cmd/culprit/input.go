// SPDX-License-Identifier: Apache-2.0

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
	"strings"
)

// fileName is a flag or argument for a file. The command line parser passes a lone - as "".
type fileName string

// String implements kingpin.Value.
func (f *fileName) String() string { return string(*f) }

// Set implements kingpin.Value.
func (f *fileName) Set(text string) error {
	if text == "" {
		text = stdinName
	}
	*f = fileName(text)
	return nil
}

// fileNames is a list of files.
type fileNames []string

// String implements kingpin.Value.
func (f *fileNames) String() string { return strings.Join(*f, " ") }

// Set implements kingpin.Value.
func (f *fileNames) Set(text string) error {
	var one fileName
	err := one.Set(text)
	*f = append(*f, string(one))
	return err
}

// IsCumulative allows an argument to be repeated.
func (f *fileNames) IsCumulative() bool { return true }

// stdinName is standard input.
const stdinName = "-"

// readInput reads a file, or standard input for -. It decompresses gzip, whatever the name. Errors
// name the file.
func readInput[T any](file string, stdin io.Reader, parse func(io.Reader) (T, error)) (T, error) {
	var none T
	r, name := stdin, "standard input"
	if file != stdinName {
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

// sayOpen says why a file can't be opened, without repeating its name.
func sayOpen(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %s", file)
	}
	return err // it names the file
}
