// SPDX-License-Identifier: Apache-2.0

// Demo breaks a small web shop and shows what culprit makes of it.
//
//	go run ./examples/demo                    # stays until Ctrl-C
//	go run ./examples/demo --fault drop       # another story
//	go run ./examples/demo --again            # the same has happened before, 15 minutes ago
//	go run ./examples/demo --once             # ends by itself; exit 0 if all is right
//	go run ./examples/demo --format json      # the report alone, on stdout
//
// This program is small, so that it runs at once: it says what is downloaded
// and compiled, and then runs the demo itself, which is in the folder play.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

const play = "github.com/culprit-dev/culprit/examples/demo/play"

func main() {
	// Ctrl-C reaches the demo, too, which ends in order; this program waits for it.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run compiles and runs the demo, and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	if err := compile(stderr); err != nil {
		fmt.Fprintln(stderr, "error: the demo can't be compiled:", err)
		return 1
	}
	demo := exec.Command("go", append([]string{"run", play}, args...)...)
	demo.Stdin, demo.Stdout, demo.Stderr = os.Stdin, stdout, stderr
	err := demo.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

// compile builds everything the demo imports. The linked binary itself is cached by "go run".
func compile(stderr io.Writer) error {
	p := &progress{w: stderr, start: time.Now(), rewrites: isTerminal(stderr)}
	defer p.end()
	list := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}}{{if eq .ImportPath "`+play+`"}} {{join .Imports " "}}{{end}}`, play)
	list.Stderr = p
	out, err := list.Output()
	if err != nil {
		return err
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	p.total = len(packages)
	build := exec.Command("go", append([]string{"build", "-v"}, strings.Fields(packages[p.total-1])[1:]...)...)
	build.Stdout, build.Stderr = stderr, p
	return build.Run()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
