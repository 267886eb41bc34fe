// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/culprit-dev/culprit/examples/benchmark/stories"
)

// whatWasDone has culprit explain the stories of some seeds, and counts the answers by what was
// done.
func whatWasDone(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("stories", flag.ContinueOnError)
	show := flags.Bool("show", false, "print what is said of each story that is not told right")
	seeds := flags.Int("seeds", 1, "how many seeds; each has sixty stories")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all := map[stories.Kind]*storyCounts{}
	var shown []stories.Outcome
	for seed := range *seeds {
		for number := range stories.Count {
			o, err := stories.New(uint64(seed+1), number).Ask(context.Background())
			if err != nil {
				return err
			}
			if all[o.Story.Kind] == nil {
				all[o.Story.Kind] = &storyCounts{}
			}
			if all[o.Story.Kind].add(o); !o.Right() {
				shown = append(shown, o)
			}
		}
	}
	printStories(out, all)
	if *show {
		for _, o := range shown {
			s := o.Story
			fmt.Fprintf(out, "\n%s (seed %d, generation %d, %d innocent, %d before): first %v, sure %v, innocent %v, none %v\n  said: %s\n",
				s.Test.Name, s.Seed, s.Generation, s.Innocent, s.Before, o.First, o.Sure, o.Innocent, o.None, o.Line)
			for _, c := range o.Causes {
				fmt.Fprintf(out, "    %s\n", c)
			}
		}
	}
	return nil
}

// storyCounts counts the stories of a kind.
type storyCounts struct{ told, first, sure, innocent, none int }

func (t *storyCounts) add(o stories.Outcome) {
	t.told++
	for n, ok := range map[*int]bool{&t.first: o.First, &t.sure: o.Sure, &t.innocent: o.Innocent, &t.none: o.None} {
		if ok {
			*n++
		}
	}
}

func printStories(out io.Writer, all map[stories.Kind]*storyCounts) {
	fmt.Fprintln(out, "| what was done | stories | it comes first | and at least `medium` | an innocent change above `low` | \"no change found\" is said |\n|---|---|---|---|---|---|")
	row := func(name string, t storyCounts) {
		first, sure := fmt.Sprint(t.first), fmt.Sprint(t.sure)
		if name == string(stories.Nothing) || name == string(stories.Elsewhere) {
			first, sure = "–", "–"
		}
		fmt.Fprintf(out, "| %s | %d | %s | %s | %d | %d |\n", name, t.told, first, sure, t.innocent, t.none)
	}
	var sum storyCounts
	seen := map[stories.Kind]bool{}
	for _, k := range stories.Kinds() {
		if t := all[k]; t != nil && !seen[k] {
			seen[k] = true
			row(string(k), *t)
			sum = storyCounts{sum.told + t.told, sum.first + t.first, sum.sure + t.sure, sum.innocent + t.innocent, sum.none + t.none}
		}
	}
	row("**all**", sum)
}
