// SPDX-License-Identifier: Apache-2.0

// Command filerefs counts how the files of a package refer to each other: a
// reference is an object that one file declares and another uses, counted once per
// pair of files. References against the order of the package's layers are printed.
//
//	go run ./.ci/filerefs promql receiver
//
// The layers of a package are the lines of CONTRIBUTING.md that begin with its
// folder, as in "| `promql` | plan.go, window.go → fetch.go |": a file may use its
// own layer and those after it. Without such a line only the references are counted.
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	layers, err := readLayers("CONTRIBUTING.md")
	if err != nil {
		log.Fatal(err)
	}
	fset := token.NewFileSet()
	exported, err := exports(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	shared := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exported[path]) })
	for _, dir := range os.Args[1:] {
		refs, err := references(fset, shared, dir)
		if err != nil {
			log.Fatalf("%s: %v", dir, err)
		}
		report(filepath.ToSlash(filepath.Clean(dir)), refs, layers)
	}
}

// exports returns the export file of each needed package, by import path.
func exports(dirs []string) (map[string]string, error) {
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for _, dir := range dirs {
		args = append(args, "./"+filepath.ToSlash(filepath.Clean(dir)))
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			files[path] = file
		}
	}
	return files, nil
}

// pair is a file and another one that it uses.
type pair struct{ from, to string }

func report(dir string, refs map[pair]int, layers map[string]map[string]int) {
	fmt.Printf("%s: %d references between files", dir, len(refs))
	of := layers[dir]
	if of == nil {
		fmt.Println()
		return
	}
	var against, without []string
	for p := range refs {
		from, known := of[p.from]
		to, also := of[p.to]
		switch {
		case !known:
			without = append(without, p.from+" is in no layer")
		case !also:
			without = append(without, p.to+" is in no layer")
		case to < from:
			against = append(against, p.from+" → "+p.to)
		}
	}
	fmt.Printf(", %d against the layers\n", len(against))
	for _, line := range slices.Compact(slices.Sorted(slices.Values(append(against, without...)))) {
		fmt.Println("  " + line)
	}
}

// references type-checks the package in a directory.
func references(fset *token.FileSet, shared types.Importer, dir string) (map[pair]int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "_other") || strings.Contains(name, "_windows") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: shared}
	pkg, err := conf.Check(dir, fset, files, info)
	if err != nil {
		return nil, err
	}
	refs := map[pair]int{}
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg || !obj.Pos().IsValid() {
			continue
		}
		p := pair{filepath.Base(fset.Position(id.Pos()).Filename), filepath.Base(fset.Position(obj.Pos()).Filename)}
		if p.from != p.to {
			refs[p]++
		}
	}
	return refs, nil
}

var fileName = regexp.MustCompile(`[a-z0-9_]+\.go`)

// readLayers returns the layer of each file by package, the first one 0.
func readLayers(name string) (map[string]map[string]int, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := map[string]map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cells := strings.Split(strings.Trim(lines.Text(), "| "), "|")
		dir := strings.Trim(cells[0], "` ")
		if len(cells) != 2 || !strings.Contains(cells[1], ".go") || !strings.Contains(cells[1], "→") {
			continue
		}
		of := map[string]int{}
		for layer, cell := range strings.Split(cells[1], "→") {
			for _, file := range fileName.FindAllString(cell, -1) {
				of[file] = layer
			}
		}
		all[dir] = of
	}
	return all, nil
}
