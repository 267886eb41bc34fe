// SPDX-License-Identifier: Apache-2.0

// Culprit tells every Prometheus alert what caused it.
//
//	culprit serve          the daemon
//	culprit explain        one alert now or then, or an expression
//	culprit suggest        rules to start from
//	culprit check config   whether a configuration is right, and its queries answer
//	culprit test rules     unit tests of rules
//	culprit replay         the alerts of the past, explained
//	culprit export         reports as cases for replay
//	culprit analyze        the methods, on files
//	culprit storage        a backup of what the daemon keeps, and back
//	culprit completion     for bash, zsh and fish
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
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kingpin.ManPageTemplate = manPage // there is no other way to set it
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// Exit codes.
const (
	exitOK      = 0
	exitFinding = 1
	exitUsage   = 2
)

// streams are a command's input and output.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command runs a subcommand after its flags are parsed.
type command func(ctx context.Context, s streams) error

// findingError is a failed check. It is printed unchanged.
type findingError struct{ error }

// usageError is wrong usage.
type usageError struct{ error }

// errInterrupted is the error of a command that was interrupted before it had a result.
var errInterrupted = errors.New("interrupted")

// run parses the arguments, runs the command, and returns the exit code. Requested help is a
// result, so that it can be piped to a pager.
func run(ctx context.Context, args []string, s streams) int {
	out, errs := &visible{w: s.out}, &visible{w: s.err}
	defer errs.flush()
	defer out.flush()
	s.out, s.err = out, errs
	app, commands := newApp(s)
	args = helpAsFlag(args)
	name, exit, done, err := parse(app, args)
	if done {
		return exit
	}
	mode := app.GetFlag("color").Model().Value.String()
	out.colors, errs.colors = colors(mode, out), colors(mode, errs)
	if err == nil {
		err = commands[name](ctx, s)
	} else {
		name, err = selected(app, args), usageError{meant(app, args, err)}
	}
	return say(err, name, s.err)
}

// newApp makes the command line parser, and what each command runs.
func newApp(s streams) (*kingpin.Application, map[string]command) {
	commands := map[string]command{}
	app := kingpin.New("culprit", "Tells you what caused each Prometheus alert.").UsageWriter(s.out).ErrorWriter(s.out)
	app.UsageTemplate(overview()).UsageFuncs(helpFuncs())
	app.Version(version.Print("culprit"))
	app.VersionFlag.Short('V')
	app.HelpFlag.Short('h')
	app.Flag("color", "Colour output: auto, always or never. auto colours a terminal unless NO_COLOR is set.").Default("auto").Enum("auto", "always", "never")
	for _, add := range []func(*kingpin.Application, map[string]command){addServe, addCheck, addExplain, addSuggest, addTestRules, addReplay, addExport, addAnalyze, addStorage, addCompletion, addVersion} {
		add(app, commands)
	}
	return app, commands
}

// terminated ends parsing after help or version have been printed.
type terminated struct{ code int }

// parse returns the command. done means that there is nothing left to do but exit.
func parse(app *kingpin.Application, args []string) (name string, exit int, done bool, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case terminated:
			exit, done = r.code, true
		default:
			panic(r)
		}
	}()
	app.Terminate(func(code int) { panic(terminated{code}) })
	name, err = app.Parse(args)
	return name, 0, false, err
}

// helpAsFlag turns "help COMMAND" into "COMMAND --help": the parser's own help command gives no
// hint for a misspelt one, and prints on standard output.
func helpAsFlag(args []string) []string {
	if len(args) < 2 || args[0] != "help" || strings.HasPrefix(args[1], "-") {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

// overview is kingpin's help, with one line per command in the list.
func overview() string {
	return strings.Replace(kingpin.DefaultUsageTemplate, "{{.Help|Wrap 4}}", "{{.Help|FirstLine|Wrap 4}}", 1)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// selected is the command of a call with invalid arguments; empty if there is none.
func selected(app *kingpin.Application, args []string) string {
	parsed, err := app.ParseContext(args)
	if err != nil && parsed == nil || parsed.SelectedCommand == nil {
		return ""
	}
	return parsed.SelectedCommand.FullCommand()
}

// say prints an error with its hint, and returns the exit code.
func say(err error, command string, w io.Writer) int {
	var finding findingError
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &finding):
		fmt.Fprintln(w, finding.Error())
		return exitFinding
	case errors.As(err, &usage):
		sayWithHint(w, err, strings.Join(strings.Fields("culprit "+command+" --help"), " ")+" shows the commands and flags")
		return exitUsage
	default:
		sayWithHint(w, err, "")
		return exitFinding
	}
}

// sayWithHint prints an error and its hint, or else otherwise.
func sayWithHint(w io.Writer, err error, otherwise string) {
	what, hint, _ := strings.Cut(err.Error(), "; hint: ")
	ink(w, red, "error:")
	fmt.Fprintf(w, " %s\n", what)
	if hint = cmp.Or(hint, otherwise); hint != "" {
		ink(w, cyan, "hint:")
		fmt.Fprintf(w, " %s\n", hint)
	}
}

func addVersion(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("version", "Print the version and how it was built.")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error {
		_, err := fmt.Fprintln(s.out, version.Print("culprit"))
		return err
	}
}
