// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/benchmark/worlds"
)

// errTooWrong is the error of --check.
var errTooWrong = errors.New("a family has more WRONG answers than one, or one in fifty of its worlds")

// worldsOptions are the flags of worlds.
type worldsOptions struct {
	seeds        []uint64
	only, levels []string
	show         []string
	write        string
	check        bool
}

// everyday measures the answers to the project's own incidents.
func everyday(args []string, out io.Writer) error {
	o, err := readWorldsOptions(args)
	if err != nil {
		return err
	}
	list, err := o.draw()
	if err != nil {
		return err
	}
	answers, err := askAll(context.Background(), list)
	if err != nil {
		return err
	}
	wrong := printFamilies(out, answers)
	printReliability(out, answers)
	shown := slices.DeleteFunc(answers, func(a answered) bool { return !slices.Contains(o.show, string(a.score.Class)) })
	printShown(out, shown)
	if err := o.writeWorlds(shown); err != nil {
		return err
	}
	if o.check && wrong {
		return errTooWrong
	}
	return nil
}

func readWorldsOptions(args []string) (o worldsOptions, err error) {
	flags := flag.NewFlagSet("worlds", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	seeds := flags.String("seed", "1", "seeds, with commas between")
	only := flags.String("only", "", "families, with commas between; empty: all")
	levels := flags.String("level", "", "table, series, rules, candidates; empty: all")
	show := flags.String("show", "", "classes whose answers are printed: RIGHT, GOOD, HONEST, WRONG")
	flags.StringVar(&o.write, "write", "", "folder into which the worlds of the classes of --show are written, as files of culprit's own commands")
	flags.BoolVar(&o.check, "check", false, "fail if a family has too many WRONG answers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("worlds takes flags only, and there is %q", flags.Arg(0))
	}
	for _, text := range fields(*seeds) {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return o, fmt.Errorf("--seed: %q is not a whole number", text)
		}
		o.seeds = append(o.seeds, seed)
	}
	o.only, o.levels, o.show = fields(*only), fields(*levels), fields(*show)
	return o, nil
}

func fields(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// draw draws the worlds that the flags name.
func (o worldsOptions) draw() ([]worlds.World, error) {
	var names []string
	var list []worlds.World
	for _, f := range worlds.Families() {
		names = append(names, f.Name)
		if len(o.only) > 0 && !slices.Contains(o.only, f.Name) {
			continue
		}
		for _, seed := range o.seeds {
			for _, w := range f.Worlds(seed) {
				if len(o.levels) == 0 || slices.Contains(o.levels, string(w.Level)) {
					list = append(list, w)
				}
			}
		}
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--only: there is no family %q, only %s", name, strings.Join(names, ", "))
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no worlds are left by --only and --level")
	}
	return list, nil
}

// answered is a world with its answer.
type answered struct {
	world  worlds.World
	result analysis.Result
	score  worlds.Score
}

// askAll explains all worlds, several at a time.
func askAll(ctx context.Context, list []worlds.World) ([]answered, error) {
	answers := make([]answered, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, w := range list {
		g.Go(func() error {
			r, err := w.Ask(ctx)
			answers[i] = answered{w, r, w.Score(r)}
			return err
		})
	}
	return answers, g.Wait()
}

// classes are the columns of the table.
func classes() []worlds.Class {
	return []worlds.Class{worlds.Right, worlds.Good, worlds.Honest, worlds.Wrong}
}

// printFamilies prints a line for each family, and reports whether one has too many WRONG answers.
func printFamilies(out io.Writer, answers []answered) (tooWrong bool) {
	fmt.Fprintln(out, "| family | what happens | worlds | RIGHT | GOOD | HONEST | WRONG | expected value right |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|")
	for _, f := range worlds.Families() {
		of := slices.DeleteFunc(slices.Clone(answers), func(a answered) bool { return a.world.Family != f.Name })
		if len(of) == 0 {
			continue
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", f.Name, f.Title, cellsOf(of))
		tooWrong = tooWrong || count(of, worlds.Wrong) > max(1, len(of)/50)
	}
	fmt.Fprintf(out, "| all | | %s |\n", cellsOf(answers))
	return tooWrong
}

// cellsOf counts answers by class, and expected values.
func cellsOf(of []answered) string {
	line := strconv.Itoa(len(of))
	for _, c := range classes() {
		line += fmt.Sprintf(" | %d", count(of, c))
	}
	var compared, right int
	for _, a := range of {
		if a.score.Compared {
			compared++
			right += oneIf(a.score.Expected)
		}
	}
	return line + " | " + share(right, compared)
}

func count(of []answered, c worlds.Class) (n int) {
	for _, a := range of {
		n += oneIf(a.score.Class == c)
	}
	return n
}

// share formats one number as a share of another.
func share(n, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d", n, of)
}

// printReliability prints how often causes of each confidence are true, how often "no single place"
// is, and how many worlds get the same answer in all units.
func printReliability(out io.Writer, answers []answered) {
	said, right := map[analysis.Confidence]int{}, map[analysis.Confidence]int{}
	var external, truly int
	twins := map[string]map[worlds.Class]bool{}
	for _, a := range answers {
		for _, c := range a.score.Said {
			said[c.Confidence]++
			right[c.Confidence] += oneIf(c.True)
		}
		if a.result.Verdict == analysis.External {
			external++
			truly += oneIf(a.world.Truth.Verdict == analysis.External)
		}
		if a.world.Twins != "" {
			if twins[a.world.Twins] == nil {
				twins[a.world.Twins] = map[worlds.Class]bool{}
			}
			twins[a.world.Twins][a.score.Class] = true
		}
	}
	fmt.Fprintln(out, "\n| what is said | how often true |")
	fmt.Fprintln(out, "|---|---|")
	for _, c := range []analysis.Confidence{analysis.High, analysis.Medium, analysis.Low} {
		fmt.Fprintf(out, "| a cause of %s confidence | %s |\n", c, share(right[c], said[c]))
	}
	fmt.Fprintf(out, "| no single place | %s |\n", share(truly, external))
	same := 0
	for _, seen := range twins {
		same += oneIf(len(seen) == 1)
	}
	fmt.Fprintf(out, "| the same in all units | %s |\n", share(same, len(twins)))
}

// writeWorlds writes each world into a directory of its name.
func (o worldsOptions) writeWorlds(list []answered) error {
	if o.write == "" {
		return nil
	}
	for _, a := range list {
		files, err := a.world.Files()
		if err != nil {
			return err
		}
		dir := filepath.Join(o.write, a.world.Name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// printShown prints answers beside the truth.
func printShown(out io.Writer, answers []answered) {
	for _, a := range answers {
		fmt.Fprintf(out, "\n%s %s: %s\n  truth: %s\n  said: %s %s", a.score.Class, a.world.Name, a.score.Why, a.world.Truth, a.result.Verdict, a.result.Everywhere)
		if c := a.result.Change; c != nil {
			fmt.Fprintf(out, ", %.4g → %.4g", c.Forecast, c.Actual)
		}
		fmt.Fprintln(out)
		for _, c := range a.result.Causes[:min(4, len(a.result.Causes))] {
			fmt.Fprintf(out, "  %d. %s %s: %s\n", c.Rank, c.Confidence, c.Name, c.Sentence)
		}
	}
}
