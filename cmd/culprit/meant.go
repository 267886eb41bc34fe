// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/config"
)

// meant adds a suggestion to a usage error: the nearest command or flag.
func meant(app *kingpin.Application, args []string, err error) error {
	// The parser has the word only in its message.
	said := regexp.MustCompile(`^(?:expected command but got|unknown long flag) ['"](?:--)?([^'"]+)['"]$`).FindStringSubmatch(err.Error())
	if said == nil {
		return err
	}
	model := app.Model()
	flags, commands := flagNames(model.FlagGroupModel), model.CmdGroupModel
	for _, word := range args {
		if cmd := commandCalled(commands, word); cmd != nil {
			flags, commands = append(flags, flagNames(cmd.FlagGroupModel)...), cmd.CmdGroupModel
		}
	}
	var names []string
	for _, c := range commands.Commands {
		names = append(names, c.Name)
	}
	if strings.HasPrefix(err.Error(), "unknown") {
		names = flags
	}
	hint, near := config.Meant(said[1], names)
	if !near {
		return err
	}
	if strings.HasPrefix(err.Error(), "unknown") {
		hint = strings.Replace(hint, `"`, `"--`, 1)
	}
	return fmt.Errorf("%w; hint: %s", err, hint)
}

func commandCalled(group *kingpin.CmdGroupModel, name string) *kingpin.CmdModel {
	for _, c := range group.Commands {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func flagNames(group *kingpin.FlagGroupModel) (names []string) {
	for _, f := range group.Flags {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	}
	return names
}
