// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// incident is a case with its samples.
type incident struct {
	tabular.Case
	samples *tabular.Series
}

// dataSets lists the directories in dir that hold cases, by name. A directory that holds cases
// itself is one data set.
func dataSets(dir string) ([]string, error) {
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(files) > 0 {
		return []string{dir}, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		return nil, err
	}
	var sets []string
	for _, f := range files {
		sets = append(sets, filepath.Dir(f))
	}
	slices.Sort(sets)
	sets = slices.Compact(sets)
	if len(sets) == 0 {
		return nil, fmt.Errorf("there are no cases in %q: it should hold one folder a data set, with a .json and a .csv for each case", dir)
	}
	return sets, nil
}

// readIncidents reads the cases of a data set in the order of their names.
func readIncidents(dir string) ([]incident, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	list := make([]incident, len(files))
	for i, file := range files {
		if list[i], err = readIncident(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return list, nil
}

func readIncident(file string) (incident, error) {
	f, err := os.Open(file)
	if err != nil {
		return incident{}, err
	}
	defer f.Close()
	c, err := tabular.ReadCase(f)
	if err != nil {
		return incident{}, err
	}
	var tables []*tabular.Series
	for _, name := range c.Files {
		table, err := readSeries(filepath.Join(filepath.Dir(file), name))
		if err != nil {
			return incident{}, fmt.Errorf("%s: %w", name, err)
		}
		tables = append(tables, table)
	}
	return incident{c, tabular.Join(tables...)}, nil
}

func readSeries(file string) (*tabular.Series, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return tabular.ReadSeries(f)
}

// frame returns the incident as the analysis sees it, with an alert that is late by so many
// seconds.
func (c incident) frame(late float64) (analysis.Frame, error) {
	roles := c.Roles()
	roles.Onset += late
	return c.samples.Frame(roles)
}

// serviceOf returns the service that a column belongs to.
func (c incident) serviceOf(column string) string {
	for _, s := range c.Series {
		if s.Column == column {
			return s.Service
		}
	}
	return column
}
