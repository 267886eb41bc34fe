// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the main file and its rule files, sets the defaults and checks everything. Globs and
// secret files are relative to the directory of the file that names them. The error is an [Errors]
// with every mistake.
func Load(path string) (*Config, error) {
	text, mistakes := TextOf(path)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	c, mistakes := Read(path, text)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return c, nil
}

// TextOf reads a file. Read it only once: a pipe is empty the second time.
func TextOf(path string) ([]byte, Errors) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Errors{{File: path, What: "can't be read: " + reasonOf(err), Hint: "check the path and who may read it"}}
	}
	return text, nil
}

// Read is [Load] for callers that have the text of the main file. With mistakes it also returns
// what could be read, for further checks only.
func Read(path string, text []byte) (*Config, Errors) {
	c, d := parseMain(path, text)
	c.setDirectory(filepath.Dir(path))
	for _, file := range d.ruleFiles(c) {
		text, more := TextOf(file)
		var rules []Rule
		if more == nil {
			rules, more = ReadRules(file, text)
		}
		d.mistakes = append(d.mistakes, more...)
		c.Rules = append(c.Rules, rules...)
	}
	c.Missing = d.missingFiles()
	return c, c.finish(d)
}

// Parse is [Load] without a file system: it parses a main file, called name in messages. It ignores
// rule files, and does not resolve file names.
func Parse(name string, text []byte) (*Config, error) {
	c, d := parseMain(name, text)
	if mistakes := c.finish(d); len(mistakes) > 0 {
		return nil, mistakes
	}
	return c, nil
}

// ParseRules parses a rule file, called name in messages.
func ParseRules(name string, text []byte) ([]Rule, error) {
	rules, mistakes := parseRules(name, text)
	if mistakes = append(mistakes, duplicates(rules)...).Sorted(); len(mistakes) > 0 {
		return nil, mistakes
	}
	return rules, nil
}

// parseMain parses and checks a main file by itself. The decoder has the mistakes.
func parseMain(file string, text []byte) (*Config, *decoder) {
	c := new(Config)
	c.setDefaults()
	d := newDecoder(file)
	if d.document(text, c) {
		d.finishRules(c.Rules)
		c.CandidateSource, c.ContextSource = d.sourceOf("candidates"), d.sourceOf("context")
		d.checkMain(c)
	}
	return c, d
}

// finish checks what involves several files, and returns all mistakes.
func (c *Config) finish(d *decoder) Errors {
	if len(c.Rules) == 0 && !c.UnmatchedAlerts.Enabled {
		c.Warnings = append(c.Warnings, Mistake{
			File: d.file, What: "there are no rules and unmatched_alerts is switched off, so no alert is explained",
			Hint: "write rules: or rule_files:, or leave unmatched_alerts out",
		})
	}
	c.Warnings = append(c.Warnings, c.Shadowed()...)
	return append(d.mistakes, duplicates(c.Rules)...).Sorted()
}

// ruleFile is a rule file.
type ruleFile struct {
	Rules []Rule `yaml:"rules"`
}

// parseRules parses and checks a rule file by itself.
func parseRules(file string, text []byte) ([]Rule, Errors) {
	var f ruleFile
	d := newDecoder(file)
	if d.document(text, &f) {
		d.finishRules(f.Rules)
		d.checkRules(f.Rules)
	}
	return f.Rules, d.mistakes
}

// ReadRules parses a rule file. It returns what could be read, and the mistakes.
func ReadRules(file string, text []byte) ([]Rule, Errors) {
	rules, mistakes := parseRules(file, text)
	return rules, append(mistakes, duplicates(rules)...)
}

// reasonOf strips operation and path from an error of os.
func reasonOf(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// ruleFiles returns the files that the globs match, without duplicates, in the order of the globs
// and sorted within each. A glob without a match is only a warning: rules may be delivered after
// the daemon starts.
func (d *decoder) ruleFiles(c *Config) []string {
	var files []string
	for i, glob := range c.RuleFiles {
		if !filepath.IsAbs(glob) {
			glob = filepath.Join(filepath.Dir(d.file), glob)
		}
		matches, _ := filepath.Glob(glob) // bad patterns are mistakes already
		if len(matches) == 0 {
			path := fmt.Sprintf("rule_files[%d]", i)
			c.Warnings = append(c.Warnings, Mistake{
				File: d.file, Line: d.places[path].line, Column: d.places[path].column,
				What: fmt.Sprintf("%s %q matches no file", path, c.RuleFiles[i]), Hint: "the path is relative to this file",
			})
		}
		for _, file := range matches {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files
}

// setDirectory makes secret files relative to a directory.
func (c *Config) setDirectory(dir string) {
	for i := range c.Prometheus {
		c.Prometheus[i].HTTPConfig.SetDirectory(dir)
	}
	for i := range c.Alertmanagers {
		c.Alertmanagers[i].HTTPConfig.SetDirectory(dir)
	}
	if c.Grafana != nil {
		c.Grafana.HTTPConfig.SetDirectory(dir)
	}
	for i := range c.RecoveryWebhooks {
		h := &c.RecoveryWebhooks[i]
		h.HTTPConfig.SetDirectory(dir)
		h.SecretFile = below(dir, h.SecretFile)
	}
	if c.Tracing != nil {
		c.Tracing.TLSConfig.SetDirectory(dir)
	}
	c.Changes.TokenFile = below(dir, c.Changes.TokenFile)
	if c.AlertmanagerEvents != nil {
		c.AlertmanagerEvents.TokenFile = below(dir, c.AlertmanagerEvents.TokenFile)
	}
	if c.MCP != nil {
		c.MCP.TokenFile = below(dir, c.MCP.TokenFile)
	}
}

// below resolves a file name relative to a directory.
func below(dir, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// sourceOf returns the positions of all texts below a key.
func (d *decoder) sourceOf(key string) Source {
	s := Source{File: d.file, Lines: map[string]int{}}
	for path, p := range d.places {
		if strings.HasPrefix(path, key) {
			s.Lines[path] = p.text
		}
	}
	return s
}

// finishRules parses the matchers of each rule and sets its source.
func (d *decoder) finishRules(rules []Rule) {
	byRule := make([]map[string]int, len(rules))
	for i := range byRule {
		byRule[i] = map[string]int{}
	}
	for path, p := range d.places {
		var i int
		if n, _ := fmt.Sscanf(path, "rules[%d]", &i); n == 1 && i < len(rules) {
			_, rest, _ := strings.Cut(path, "]")
			byRule[i][strings.TrimPrefix(rest, ".")] = p.text
		}
	}
	for i := range rules {
		rules[i].Source = Source{File: d.file, Path: fmt.Sprintf("rules[%d]", i), Lines: byRule[i]}
		d.ruleMatchers(&rules[i], fmt.Sprintf("rules[%d]", i))
	}
}
