// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// seriesInput are the flags that select series, and say what they are.
type seriesInput struct {
	files, cases           fileNames
	targets                []string
	onset, end             string
	topology, kinds, tiers fileName
	changes                fileName

	given tabular.Roles // parsed from the flags
}

func (in *seriesInput) addFlags(cmd *kingpin.CmdClause) {
	cmd.Arg("file", "CSV: a column `time`, then one column a series.").SetValue(&in.files)
	cmd.Flag("target", "Column of the KPI. Repeatable.").PlaceHolder("COLUMN").StringsVar(&in.targets)
	cmd.Flag("onset", "First time of the incident, Unix seconds or RFC 3339.").PlaceHolder("TIME").StringVar(&in.onset)
	cmd.Flag("end", "Last time of the incident. Default: the last time in the file.").PlaceHolder("TIME").StringVar(&in.end)
	cmd.Flag("topology", "JSON array of [caller, callee]. It may contain services without series.").PlaceHolder("FILE").SetValue(&in.topology)
	cmd.Flag("kinds", "JSON object that maps columns to kinds: latency, error, traffic, cpu, mem, net, io, node or other. Default: inferred from the names.").
		PlaceHolder("FILE").SetValue(&in.kinds)
	cmd.Flag("case", "JSON file of a public data set that names the files, target, onset and call graph. Repeatable.").
		PlaceHolder("FILE").SetValue(&in.cases)
}

// check validates the combination of flags, and parses the times.
func (in *seriesInput) check() error {
	switch {
	case len(in.files) == 0 && len(in.cases) == 0:
		return errors.New("there is nothing to read: name a FILE, or give --case")
	case len(in.cases) == 0 && len(in.targets) == 0:
		return errors.New("--target is missing: which column is the KPI?")
	case len(in.files) > 0 && len(in.cases) > 1:
		return errors.New("a FILE replaces those of a case, so that only one --case can be given with it")
	case in.readsTwice():
		return errors.New("standard input can be read once only: name a file in place of one of the -")
	}
	in.given.Targets = in.targets
	for _, t := range []struct {
		flag, text string
		to         *float64
	}{{"--onset", in.onset, &in.given.Onset}, {"--end", in.end, &in.given.End}} {
		if t.text == "" {
			continue
		}
		v, err := tabular.ParseTime(t.text)
		if err != nil {
			return fmt.Errorf("%s: %w", t.flag, err)
		}
		*t.to = v
	}
	if in.given.End != 0 && in.given.End < in.given.Onset {
		return fmt.Errorf("the incident ends (%s) before it begins (%s)", in.end, in.onset)
	}
	return nil
}

func (in *seriesInput) readsTwice() bool {
	n := 0
	for _, list := range [][]string{in.files, in.cases, {string(in.topology), string(in.kinds), string(in.tiers), string(in.changes)}} {
		for _, file := range list {
			if file == stdinName {
				n++
			}
		}
	}
	return n > 1
}

// readKnowledge reads the files that concern all inputs.
func (in *seriesInput) readKnowledge(stdin io.Reader) (err error) {
	if in.topology != "" {
		if in.given.Topology, err = readInput(string(in.topology), stdin, tabular.ReadTopology); err != nil {
			return err
		}
	}
	if in.kinds != "" {
		if in.given.Kinds, err = readInput(string(in.kinds), stdin, tabular.ReadKinds); err != nil {
			return err
		}
	}
	if in.changes != "" {
		if in.given.Changes, err = readInput(string(in.changes), stdin, tabular.ReadChanges); err != nil {
			return err
		}
	}
	if in.tiers != "" {
		if in.given.Tiers, err = readInput(string(in.tiers), stdin, tabular.ReadTiers); err != nil {
			return err
		}
	}
	return nil
}

// each reads the inputs one after another. adjust completes an input's roles; the name passed to
// use is empty if there is only one.
func (in *seriesInput) each(stdin io.Reader, adjust func(*tabular.Roles), use func(name string, f analysis.Frame) error) error {
	if err := in.readKnowledge(stdin); err != nil {
		return err
	}
	inputs, open := in.files, in.openFile
	if len(in.cases) > 0 {
		inputs, open = in.cases, in.openCase
	}
	for _, input := range inputs {
		table, roles, err := open(input, stdin)
		if err != nil {
			return err
		}
		adjust(&roles)
		frame, err := table.Frame(roles)
		if err != nil {
			return fmt.Errorf("%s: %w", input, err)
		}
		name := input
		if len(inputs) == 1 {
			name = ""
		}
		if err := use(name, frame); err != nil {
			return err
		}
	}
	return nil
}

// openFile reads one table, with roles from the flags.
func (in *seriesInput) openFile(file string, stdin io.Reader) (*tabular.Series, tabular.Roles, error) {
	table, err := readInput(file, stdin, tabular.ReadSeries)
	return table, in.given, err
}

// openCase reads a case and its tables, or the tables in the arguments. Flags override the case.
func (in *seriesInput) openCase(file string, stdin io.Reader) (*tabular.Series, tabular.Roles, error) {
	c, err := readInput(file, stdin, tabular.ReadCase)
	if err != nil {
		return nil, tabular.Roles{}, err
	}
	files := []string(in.files)
	if len(files) == 0 {
		for _, name := range c.Files {
			files = append(files, filepath.Join(filepath.Dir(file), name))
		}
	}
	if len(files) == 0 {
		return nil, tabular.Roles{}, fmt.Errorf("%s names no files", file)
	}
	var tables []*tabular.Series
	for _, name := range files {
		table, err := readInput(name, stdin, tabular.ReadSeries)
		if err != nil {
			return nil, tabular.Roles{}, err
		}
		tables = append(tables, table)
	}
	return tabular.Join(tables...), c.Roles().Override(in.given), nil
}
