// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/find"
)

const checkHelp = `Load configurations, parse every template and query, and show all mistakes.

A file that contains only rules is checked as a rule file. Files with secrets and keys that cannot be read here are mistakes, unless
--syntax-only is given.

With --servers, culprit also contacts the servers in the configuration and names each that does not answer. Prometheus gets every query,
with a placeholder for each value that comes from the alert (a query that fails or returns nothing is a mistake, too); Alertmanager is
asked for its routes, Grafana for its annotations. For hooks, culprit opens a connection but sends nothing.

With --prometheus.url, the queries are sent there. If the configuration has several Prometheus servers, each gets the queries of the
rules for its alerts, and one that answers is enough. With --alertmanager.url, culprit reads the routes currently loaded and checks that it is
notified of alerts at once and that nobody loses notifications because of it. It prints the lines to change.`

func addCheck(app *kingpin.Application, commands map[string]command) {
	check := app.Command("check", "Check files without running anything.")
	cmd := check.Command("config", checkHelp)
	files := cmd.Arg("file", "Configuration or rule file.").Required().Strings()
	c := &configCheck{}
	cmd.Flag("prometheus.url", "Prometheus on which to try every query.").PlaceHolder("URL").StringVar(&c.url)
	nameFlag(cmd, &c.name)
	alertmanagers := cmd.Flag("alertmanager.url", "Alertmanager whose routes to check. Repeatable.").PlaceHolder("URL").Strings()
	cmd.Flag("servers", "Also contact every server in the configuration.").BoolVar(&c.servers)
	cmd.Flag("syntax-only", "Do not check that files with secrets and keys exist.").BoolVar(&c.syntaxOnly)
	addCheckRules(check, commands)
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) (err error) {
		if c.routes, err = newRouteCheck(*alertmanagers); err != nil {
			return err
		}
		c.out, c.err = s.out, s.err
		return c.all(ctx, *files)
	}
}

// configCheck checks files.
type configCheck struct {
	url, name           string // Prometheus to query; empty: none, or those of the file
	routes              *routeCheck
	servers, syntaxOnly bool
	out, err            io.Writer
}

func (c *configCheck) all(ctx context.Context, files []string) error {
	if c.url != "" {
		if _, err := parseURL("--prometheus.url", c.url); err != nil {
			return err
		}
	}
	var mistakes []error
	for _, file := range files {
		mistakes = append(mistakes, c.file(ctx, file)...)
		if ctx.Err() != nil {
			return errInterrupted
		}
	}
	if len(mistakes) > 0 {
		return findingError{errors.Join(mistakes...)}
	}
	return nil
}

// file returns the mistakes of a file. If there are none it also queries its servers.
func (c *configCheck) file(ctx context.Context, file string) []error {
	cfg, kind, mistakes := c.read(file)
	if len(mistakes) > 0 {
		return []error{mistakes}
	}
	asked, wrong := c.probe(ctx, cfg)
	for i, err := range wrong {
		if errors.Is(err, find.ErrUnreachable) {
			c.url = "" // once is enough
		}
		wrong[i] = oneLine(err)
	}
	if len(wrong) == 0 {
		fmt.Fprintf(c.out, "%s: %s, %s%s\n", file, kind, number(len(cfg.Rules), "rule"), asked)
	}
	wrong = append(wrong, c.routes.judge(ctx, cfg, c.servers, c.out)...)
	if c.servers {
		wrong = append(wrong, askServers(ctx, cfg, c.out)...)
	}
	return wrong
}

// read reads a main file or a rule file, and prints its warnings.
func (c *configCheck) read(file string) (cfg *config.Config, kind string, mistakes config.Errors) {
	text, mistakes := config.TextOf(file)
	if len(mistakes) > 0 {
		return nil, "", mistakes
	}
	if config.IsRuleFile(text) {
		cfg, mistakes = rulesAlone(file, text)
		kind = "fine as a rule file"
	} else {
		cfg, mistakes = receiver.ReadConfig(file, text)
		kind = "fine"
	}
	for _, w := range cfg.Warnings {
		ink(c.err, yellow, "warning:")
		fmt.Fprintf(c.err, " %s\n", w)
	}
	if !c.syntaxOnly {
		mistakes = append(mistakes, cfg.Missing...).Sorted()
	}
	return cfg, kind, mistakes
}

// rulesAlone is a configuration with only the rules of a file.
func rulesAlone(file string, text []byte) (cfg *config.Config, mistakes config.Errors) {
	cfg, mistakes = config.Read(file, []byte(`prometheus: {url: "http://localhost"}`))
	if len(mistakes) > 0 {
		return cfg, mistakes
	}
	cfg.Rules, mistakes = receiver.ReadRules(file, text)
	cfg.Warnings = cfg.Shadowed()
	return cfg, mistakes
}

// oneLine puts the hint of an error in parentheses, as for mistakes.
func oneLine(err error) error {
	if what, hint, has := strings.Cut(err.Error(), "; hint: "); has {
		return fmt.Errorf("%s (%s)", what, hint)
	}
	return err
}
