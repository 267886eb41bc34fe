package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/receiver"
)

func addCheck(app *kingpin.Application, commands map[string]command) {
	check := app.Command("check", "Check files without running anything.")
	cmd := check.Command("config", "Load configurations, parse every template and query, and show every mistake.")
	files := cmd.Arg("file", "Configuration file.").Required().Strings()
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error {
		return checkConfigs(*files, s)
	}
}

// checkConfigs says of each file what it holds or what is wrong with it.
func checkConfigs(files []string, s streams) error {
	var mistakes []error
	for _, file := range files {
		cfg, err := receiver.LoadConfig(file)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		fmt.Fprintf(s.out, "%s: fine, %d rules\n", file, len(cfg.Rules))
		for _, w := range cfg.Warnings {
			fmt.Fprintf(s.err, "warning: %s\n", w)
		}
	}
	if len(mistakes) > 0 {
		return findingError{errors.Join(mistakes...)}
	}
	return nil
}
