// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/culprit-dev/culprit/examples/benchmark/expressions"
)

// alertsInWords explains every alert of the corpus in all its variants, and counts the answers by
// what is special about the expressions.
func alertsInWords(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("expressions", flag.ContinueOnError)
	show := flags.Bool("show", false, "print what is said of each alert that is not answered right")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var kinds []string
	counts := map[string]map[expressions.Class]int{}
	var shown []expressions.Outcome
	for _, a := range expressions.Corpus() {
		if counts[a.Kind] == nil {
			kinds, counts[a.Kind] = append(kinds, a.Kind), map[expressions.Class]int{}
		}
		for _, text := range expressions.Variants(a.Expr) {
			o, err := a.Ask(context.Background(), text)
			if err != nil {
				return err
			}
			counts[a.Kind][o.Class]++
			if o.Class != expressions.Right {
				shown = append(shown, o)
			}
		}
	}
	printKinds(out, kinds, counts)
	if *show {
		printOutcomes(out, shown)
	}
	return nil
}

func printKinds(out io.Writer, kinds []string, counts map[string]map[expressions.Class]int) {
	classes := []expressions.Class{expressions.Right, expressions.Honest, expressions.Wrong}
	fmt.Fprintln(out, "| expression | asked | RIGHT | HONEST | WRONG |\n|---|---|---|---|---|")
	all := map[expressions.Class]int{}
	row := func(kind string, of map[expressions.Class]int) {
		n := 0
		for _, c := range classes {
			n += of[c]
		}
		fmt.Fprintf(out, "| %s | %d | %d | %d | %d |\n", kind, n, of[expressions.Right], of[expressions.Honest], of[expressions.Wrong])
	}
	for _, kind := range slices.Compact(kinds) {
		row(kind, counts[kind])
		for _, c := range classes {
			all[c] += counts[kind][c]
		}
	}
	row("**all**", all)
}

func printOutcomes(out io.Writer, list []expressions.Outcome) {
	for _, o := range list {
		fmt.Fprintf(out, "\n%s %s: %s (%s)\n  said: %s\n  of:   %s\n", o.Class, o.Alert.Kind, o.Alert.Name, o.Why, o.Line, o.Expr)
	}
}
