// Culprit tells every Prometheus alert what caused it.
//
//	culprit serve          the daemon
//	culprit explain        one alert now or then, or an expression
//	culprit suggest        rules to start from
//	culprit check config   whether a configuration is right, and its queries answer
//	culprit test rules     unit tests of rules
//	culprit replay         the alerts of the past, explained
//	culprit analyze        the methods, on files
//
// It sits beside Alertmanager and Prometheus, takes each firing alert, finds
// the label values and the series that explain the change, and writes the
// ranked causes where the person on call already looks.
//
// Results go to stdout, progress and warnings to stderr. The exit code is 0
// whenever a result is printed, also an empty one; 1 for a finding that fails
// a check; 2 for a wrong call. `culprit help COMMAND` tells the flags of a
// command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// Exit codes.
const (
	exitOK      = 0
	exitFinding = 1
	exitUsage   = 2
)

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is what a subcommand does once its flags are parsed.
type command func(ctx context.Context, s streams) error

// findingError is a result that fails a check. It is printed as it is.
type findingError struct{ error }

// usageError is a wrong call.
type usageError struct{ error }

// run parses the arguments, runs the command they name, and returns the exit
// code.
func run(ctx context.Context, args []string, s streams) int {
	commands := map[string]command{}
	app := kingpin.New("culprit", "Tells every Prometheus alert what caused it.").UsageWriter(s.err).ErrorWriter(s.err)
	exit := -1
	app.Terminate(func(code int) { exit = code })
	app.Version(version.Print("culprit"))
	app.VersionFlag.Short('V')
	app.HelpFlag.Short('h')
	for _, add := range []func(*kingpin.Application, map[string]command){addServe, addCheck, addExplain, addSuggest, addTestRules, addReplay, addAnalyze, addVersion} {
		add(app, commands)
	}
	name, err := app.Parse(args)
	if exit >= 0 { // --help and --version have said what they have to say
		return exit
	}
	if err == nil {
		err = commands[name](ctx, s)
	} else {
		err = usageError{err}
	}
	return say(err, s.err)
}

// say prints an error for a person and returns its exit code.
func say(err error, w io.Writer) int {
	var finding findingError
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &finding):
		fmt.Fprintln(w, finding.Error())
		return exitFinding
	case errors.As(err, &usage):
		fmt.Fprintf(w, "error: %s\nhint: culprit --help lists the commands and their flags\n", usage)
		return exitUsage
	default:
		fmt.Fprintf(w, "error: %s\n", err)
		return exitFinding
	}
}

func addVersion(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("version", "Print the version and how it was built.")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error {
		_, err := fmt.Fprintln(s.out, version.Print("culprit"))
		return err
	}
}
